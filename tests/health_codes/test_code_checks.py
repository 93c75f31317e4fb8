"""A worker at the door asks about a resident: outside every transaction, and what comes is kept."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

from api.foundation.database import Entry
from api.foundation.problems import NotFound, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.health_codes.problems import NoDocumentKnown, WhichSystem
from tests.builders import a_household, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem
from tests.health_codes.conftest import Province, a_system

HOME = "t.01.01.01"


@pytest.fixture
async def person(town: Town) -> dict[str, Any]:
    """Somebody in Ming's grid, with the number that the register does not show."""
    said = synthetic_resident(relation="head")
    await a_household(await town.as_("ming"), grid=HOME, residents=[said])
    return said


def _address(person: dict[str, Any]) -> str:
    return f"/v1/residents/{person['id']}/code-checks"


def _ask(system: str | None) -> dict[str, Any]:
    return {"id": str(new_id()), "system": system}


async def test_nobody_asks_about_a_resident(town: Town, person: dict[str, Any]):
    assert_problem(await town.nobody().post(_address(person), json=_ask(None)), NotSignedIn)


async def test_who_records_no_health_asks_about_nobody(town: Town, person: dict[str, Any]):
    ba = await town.as_("ba")
    assert_problem(await ba.post(_address(person), json=_ask(None)), NotPermitted)


@pytest.mark.parametrize("name", ["mei", "han"])
async def test_the_neighbour_asks_about_nobody_here(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any], name: str
):
    code = await a_system(gu, province)
    client = await town.as_(name)
    assert_problem(await client.post(_address(person), json=_ask(code)), NotFound)
    assert province.asked == 0


@pytest.mark.parametrize("name", ["ming", "lin", "zhou"])
async def test_the_worker_and_those_above_ask_and_the_answer_is_kept(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any], name: str
):
    code = await a_system(gu, province)
    province.turns(person["document"], "yellow")
    client = await town.as_(name)
    body = _ask(code)
    answer = await client.post(_address(person), json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["state"], told["system"], told["code_state_id"]) == ("yellow", code, body["id"])
    assert told["extra"]["reason"] == "途经中风险地区"
    (kept,) = await _kept(town, person)
    assert (kept["state"], kept["system"], str(kept["id"])) == ("yellow", code, body["id"])
    assert kept["valid_until"].isoformat() == told["valid_until"].replace("Z", "+00:00")


async def _kept(town: Town, person: dict[str, Any]) -> list[Any]:
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        return await connection.fetch(
            "SELECT * FROM code_states WHERE resident_id = $1 ORDER BY received_at, id",
            person["id"],
        )


async def test_sent_again_it_answers_what_was_kept_and_asks_nobody(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any]
):
    code = await a_system(gu, province, validity_minutes=0)
    ming = await town.as_("ming")
    body = _ask(code)
    first = (await ming.post(_address(person), json=body)).json()
    province.turns(person["document"], "red")
    again = (await ming.post(_address(person), json=body)).json()
    assert (again["state"], again["fetched_at"]) == ("green", first["fetched_at"])
    assert province.asked == 1
    differing = {**body, "system": await a_system(gu, province)}
    assert_problem(await ming.post(_address(person), json=differing), RecordDiffers)


async def test_a_red_code_opens_an_alert_in_the_village(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any]
):
    code = await a_system(gu, province, "national")
    province.turns(person["document"], "red")
    ming, lin = await town.as_("ming"), await town.as_("lin")
    assert (await ming.post(_address(person), json=_ask(code))).json()["state"] == "red"
    alerts = (await lin.get("/v1/alerts", params={"limit": 500})).json()["items"]
    assert [each["cause"] for each in alerts if each["resident_id"] == person["id"]] == ["red_code"]


async def test_unavailable_is_told_as_such_and_never_kept(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any]
):
    code = await a_system(gu, province, attempts=1, answer_seconds=0.2)
    province.known.behave({"outage": "hang"})
    told = (await (await town.as_("ming")).post(_address(person), json=_ask(code))).json()
    assert (told["state"], told["reason"]) == ("unavailable", "timed_out")
    assert (told["code_state_id"], told["valid_until"]) == (None, None)
    assert await _kept(town, person) == []


async def test_no_transaction_is_open_while_a_system_is_waited_for(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any]
):
    code = await a_system(gu, province, attempts=1, answer_seconds=2)
    province.known.behave({"latency_ms": 800})
    ming = await town.as_("ming")
    asking = asyncio.create_task(ming.post(_address(person), json=_ask(code)))
    while not town.app.state.health_codes.of(TOWNSHIP).known_line(code):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    async with town.database.connection(Entry.outside()) as connection:
        held = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        )
    assert held == 0
    assert (await asking).json()["state"] == "green"


async def test_several_systems_must_be_told_apart_and_one_need_not_be(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any]
):
    ming = await town.as_("ming")
    for each in (await gu.get("/v1/health-code-systems", params={"limit": 500})).json()["items"]:
        address = f"/v1/health-code-systems/{each['code']}"
        version = {"If-Match": f'"{each["version"]}"'}
        await gu.patch(address, json={"enabled": False}, headers=version)
    assert_problem(await ming.post(_address(person), json=_ask(None)), WhichSystem)
    code = await a_system(gu, province)
    assert (await ming.post(_address(person), json=_ask(None))).json()["system"] == code
    other = await a_system(gu, province)
    problem = assert_problem(await ming.post(_address(person), json=_ask(None)), WhichSystem)
    assert set(problem["systems"]) == {code, other}
    assert_problem(await ming.post(_address(person), json=_ask("nowhere")), NotFound)


async def test_who_has_neither_a_document_nor_a_phone_cannot_be_asked_about(
    town: Town, gu: httpx.AsyncClient, province: Province
):
    code = await a_system(gu, province)
    ming = await town.as_("ming")
    said = synthetic_resident(relation="head", document=None, document_kind=None, phone=None)
    await a_household(ming, grid=HOME, residents=[said])
    assert_problem(await ming.post(_address(said), json=_ask(code)), NoDocumentKnown)


async def test_no_log_line_says_whom_a_system_was_asked_about(
    town: Town,
    gu: httpx.AsyncClient,
    province: Province,
    person: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    code = await a_system(gu, province, attempts=2, pause_seconds=0.01)
    document = (await gu.get(f"/v1/health-code-systems/{code}")).json()["document"]
    document["call"] |= {"method": "GET", "body": "query"}
    address = f"/v1/health-code-systems/{code}"
    change = {"document": document}
    assert (await gu.patch(address, json=change, headers={"If-Match": '"1"'})).status_code == 200
    with caplog.at_level(logging.DEBUG):
        told = (await (await town.as_("ming")).post(_address(person), json=_ask(code))).json()
    assert told["reason"] == "refused"  # the simulator takes no GET
    written = capfd.readouterr().out + caplog.text
    assert "health_code_trouble" in written
    for secret in (person["document"], person["name"], person["phone"], "simulated-gate-secret"):
        assert secret not in written


async def test_what_is_not_asked_for_again_soon_holds_as_long_as_the_policy_says(
    town: Town, gu: httpx.AsyncClient, province: Province, person: dict[str, Any]
):
    """A green that another system told before took the place of a red, ten minutes later."""
    ming, document = await town.as_("ming"), person["document"]
    first, second = [await a_system(gu, province, "national", validity_minutes=0) for _ in "12"]
    for code, colour in ((first, "red"), (second, "green")):
        province.turns(document, colour)
        told = (await ming.post(_address(person), json=_ask(code))).json()
        assert (told["state"], told["valid_until"]) == (colour, None)
    assert [each["valid_until"] for each in await _kept(town, person)] == [None, None]
    standing = (await ming.get(f"/v1/residents/{person['id']}/standing")).json()
    assert (standing["code"]["state"], standing["code"]["system"]) == ("red", first)
    assert standing["code"]["valid_until"] is not None
