"""Code changes sent by another system: each once, in whatever order, to where the person lives."""

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from api.clients.problems import AddressRefused, ClientNotValid, ScopeMissing
from api.foundation.problems import InvalidInput, NotSignedIn
from tests.builders import a_household, synthetic_resident
from tests.cast import Town, assert_problem, grid_id
from tests.inbound.events import a_change, ago, fates, send
from tests.machines import a_client, a_machine, ask_token

PATH = "/v1/health-codes/changes"
CODES = "health_codes:write"


@pytest.fixture(scope="module")
async def machine(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with await a_machine(town, CODES) as machine:
        yield machine


async def resident(town: Town, *, grid: str = "t.01.01.01", **told: Any) -> dict[str, Any]:
    """Somebody registered there, with what they were registered by."""
    body = synthetic_resident(relation="head", **told)
    await a_household(await town.as_("gu"), grid=grid, residents=[body])
    return body


async def codes_of(town: Town, person: dict[str, Any]) -> list[dict[str, Any]]:
    gu = await town.as_("gu")
    answer = await gu.get(f"/v1/code-states?resident_id={person['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def alerts_of(town: Town, person: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await (await town.as_("gu")).get("/v1/alerts?limit=500")
    return [each for each in answer.json()["items"] if person["id"] in str(each)]


async def test_nobody_and_no_worker_sends_changes(town: Town):
    body = {"items": [a_change(synthetic_resident())]}
    assert_problem(await town.nobody().post(PATH, json=body), NotSignedIn)
    assert_problem(await (await town.as_("gu")).post(PATH, json=body), NotSignedIn)


async def test_a_client_with_another_scope_is_refused(town: Town):
    async with await a_machine(town, "test_results:write") as other:
        body = {"items": [a_change(synthetic_resident())]}
        answer = await other.post(PATH, json=body)
        assert assert_problem(answer, ScopeMissing)["scope"] == CODES
        assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_a_disabled_client_and_a_foreign_address_are_refused_at_each_call(town: Town):
    gu, client = await town.as_("gu"), await a_client(town, CODES)
    token = (await ask_token(town, client)).json()["access_token"]
    body, path = {"items": [a_change(synthetic_resident())]}, f"/v1/machine-clients/{client['id']}"
    async with town.client(token) as machine:
        assert (await machine.post(PATH, json=body)).status_code == 200
        only = {"allowed_addresses": ["203.0.113.0/24"]}
        await gu.patch(path, json=only, headers={"If-Match": '"1"'})
        assert_problem(await machine.post(PATH, json=body), AddressRefused)
        await gu.post(f"{path}/disable", json={"reason": "停用"})
        assert_problem(await machine.post(PATH, json=body), ClientNotValid)


async def test_the_neighbours_people_are_nobody_to_a_village_client(town: Town):
    there = await resident(town, grid="t.01.02.01")
    async with await a_machine(town, CODES, grid="t.01.01") as village:
        told = await send(village, PATH, [a_change(there, "red")])
    assert fates(told) == ["held"]
    assert await codes_of(town, there) == []
    assert await alerts_of(town, there) == []


async def test_a_change_is_kept_once_and_told_by_the_grid(town: Town, machine: httpx.AsyncClient):
    person = await resident(town, name="𠮷祥")
    change = a_change(person, "yellow", reason="来自中风险地区'; DROP TABLE residents; --")
    assert fates(await send(machine, PATH, [change])) == ["created"]
    again = await send(machine, PATH, [change])
    assert (fates(again), again["unchanged"]) == (["unchanged"], 1)
    (kept,) = await codes_of(town, person)
    assert (kept["state"], kept["system"]) == ("yellow", "guangxi")
    ming = await (await town.as_("ming")).get(f"/v1/code-states?resident_id={person['id']}")
    assert len(ming.json()["items"]) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"state": "red"},
        {"changed_at": ago(hours=2)},
        {"reported_at": ago(minutes=3)},
        {"reason": "别的原因"},
        {"system": "nanning"},
    ],
    ids=lambda each: next(iter(each)),
)
async def test_the_same_event_with_other_content_is_refused(
    town: Town, machine: httpx.AsyncClient, other: dict[str, Any]
):
    person = await resident(town)
    change = a_change(person, reason="原因", reported_at=ago(minutes=5))
    await send(machine, PATH, [change])
    told = await send(machine, PATH, [change | other])
    assert told["items"][0]["problem"]["type"] == "/problems/record-differs"
    assert (await codes_of(town, person))[0]["state"] == "green"


async def test_the_same_event_of_two_clients_is_two_events(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    change = a_change(person)
    async with await a_machine(town, CODES) as other:
        assert fates(await send(machine, PATH, [change])) == ["created"]
        assert fates(await send(other, PATH, [change])) == ["created"]


async def test_sent_twice_at_the_same_moment_it_is_kept_once(
    town: Town, machine: httpx.AsyncClient
):
    people = [await resident(town) for _ in range(5)]
    changes = [a_change(person, "red") for person in people]
    shuffled = random.Random(4).sample(changes, k=5)
    answers = await asyncio.gather(send(machine, PATH, changes), send(machine, PATH, shuffled))
    assert sorted(each["created"] for each in answers) == [0, 5]
    assert sorted(each["unchanged"] for each in answers) == [0, 5]
    for person in people:
        assert len(await codes_of(town, person)) == 1
        assert len(await alerts_of(town, person)) == 1


async def test_an_event_repeated_in_one_request_is_kept_once(
    town: Town, machine: httpx.AsyncClient
):
    person, stranger = await resident(town), synthetic_resident()
    known, unknown = a_change(person), a_change(stranger)
    told = await send(machine, PATH, [known, unknown, known, unknown, unknown | {"state": "red"}])
    assert fates(told) == ["created", "held", "unchanged", "unchanged", "refused"]


async def test_an_older_state_that_comes_late_is_history(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    newer = a_change(person, "green", changed_at=ago(hours=1))
    older = a_change(person, "red", changed_at=ago(hours=5))
    assert fates(await send(machine, PATH, [newer])) == ["created"]
    assert fates(await send(machine, PATH, [older])) == ["superseded"]
    assert await alerts_of(town, person) == []
    assert await _state_now(town, person) == "green"


async def _state_now(town: Town, person: dict[str, Any]) -> str:
    async with await a_machine(town, "status:read") as asking:
        about = {name: person[name] for name in ("document_kind", "document")}
        answer = await asking.post("/v1/health-codes/status-queries", json={"items": [about]})
        return answer.json()["items"][0]["code"]["state"]


async def test_of_older_and_newer_at_the_same_moment_the_newer_is_current(
    town: Town, machine: httpx.AsyncClient
):
    for _ in range(5):
        person = await resident(town)
        older = a_change(person, "red", changed_at=ago(hours=5))
        newer = a_change(person, "green", changed_at=ago(hours=1))
        await asyncio.gather(send(machine, PATH, [newer]), send(machine, PATH, [older]))
        assert await _state_now(town, person) == "green"


async def test_a_red_code_of_a_resident_reaches_the_village(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    await send(machine, PATH, [a_change(person, "red", reason="时空伴随")])
    (alert,) = await alerts_of(town, person)
    assert alert["cause"] == "red_code"
    lin = await (await town.as_("lin")).get(f"/v1/alerts/{alert['id']}")
    assert lin.status_code == 200
    wei = await (await town.as_("wei")).get(f"/v1/alerts/{alert['id']}")
    assert wei.status_code == 404


async def test_each_bad_item_costs_only_itself(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    phone_only = {"document": None, "document_kind": None}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"state": "purple"}, "/state"),
        ({"state": "unavailable"}, "/state"),
        ({"changed_at": "2022-02-15"}, "/changed_at"),
        ({"changed_at": ago(hours=-2)}, "/changed_at"),
        ({"reported_at": ago(hours=-2)}, "/reported_at"),
        ({"document": "451422199001010011"}, "/document"),
        ({"document_kind": None}, ""),
        (phone_only, ""),
        (phone_only | {"phone": "12345"}, "/phone"),
        ({"event_id": "有中文"}, "/event_id"),
        ({"event_id": "x" * 65}, "/event_id"),
        ({"system": "广西"}, "/system"),
        ({"surprise": 1}, "/surprise"),
        ({"reason": "x" * 2001}, "/reason"),
    ]
    items = [a_change(person, changed_at=ago(minutes=1))]
    for change, _ in wrong:
        said = a_change(person) | change
        items.append({name: value for name, value in said.items() if value is not None})
    items.append(a_change(person, "yellow"))
    answer = await machine.post(PATH, json={"items": items})
    assert answer.status_code == 200, answer.text
    told = answer.json()["items"]
    assert (told[0]["outcome"], told[-1]["outcome"]) == ("created", "superseded")
    for place, (change, pointer) in enumerate(wrong, start=1):
        errors = told[place]["problem"]["errors"]
        assert told[place]["outcome"] == "refused", change
        assert f"/body/items/{place}{pointer}" in [each["pointer"] for each in errors], errors
    assert len(await codes_of(town, person)) == 2


async def test_a_thousand_items_are_taken_and_one_more_is_not(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    items = [a_change(person, changed_at=ago(hours=2, seconds=n)) for n in range(1001)]
    assert_problem(await machine.post(PATH, json={"items": items}), InvalidInput)
    assert_problem(await machine.post(PATH, json={"items": []}), InvalidInput)
    told = await send(machine, PATH, items[:1000])
    assert told["created"] + told["superseded"] == 1000


async def test_a_family_that_shares_a_phone_is_told_apart_by_name(
    town: Town, machine: httpx.AsyncClient
):
    mother = synthetic_resident(relation="head", name="黄秀英")
    child = synthetic_resident(relation="child", name="黄小宝", phone=mother["phone"])
    for body in (mother, child):
        del body["document"], body["document_kind"]
    await a_household(await town.as_("gu"), grid="t.01.01.01", residents=[mother, child])
    by_phone = {"document": None, "document_kind": None, "phone": mother["phone"]}
    some = {"document_kind": "other", "document": "x"}
    told = await send(
        machine,
        PATH,
        [
            a_change(mother | some, **by_phone),
            a_change(mother | some, "yellow", **by_phone, name="黄小宝"),
            a_change(mother | some, "red", **by_phone, name="黄大宝"),
        ],
    )
    assert fates(told) == ["refused", "created", "held"]
    assert told["items"][0]["problem"]["type"] == "/problems/several-people"
    assert told["items"][0]["problem"]["errors"][0]["pointer"] == "/body/items/0/phone"
    assert len(await codes_of(town, child)) == 1
    assert await codes_of(town, mother) == []


async def test_by_a_phone_nobody_with_another_document_is_meant(
    town: Town, machine: httpx.AsyncClient
):
    person, stranger = await resident(town), synthetic_resident()
    told = await send(machine, PATH, [a_change(stranger, phone=person["phone"])])
    assert fates(told) == ["held"]
    assert await codes_of(town, person) == []


async def test_what_a_client_did_is_on_record_by_its_name_and_without_personal_data(town: Town):
    client = await a_client(town, CODES)
    token = (await ask_token(town, client)).json()["access_token"]
    person = await resident(town)
    async with town.client(token) as machine:
        await send(machine, PATH, [a_change(person, reason="同乘")])
    gu = await town.as_("gu")
    entries = await gu.get(f"/v1/audit-entries?worker_id={client['id']}")
    (entry,) = entries.json()["items"]
    assert entry["subject_id"] == str(grid_id("t.01.01.01"))
    assert entry["details"] == {"code_states": 1}
    assert person["document"] not in entries.text
