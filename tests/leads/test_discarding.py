"""Batches and leads entered by mistake are taken back, and never what somebody has done."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.jobs import sweep
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.leads.problems import (
    LeadBatchDiscarded,
    LeadDiscarded,
    LeadHandedHere,
    LeadsWorkedOn,
)
from api.leads.transferring import receive
from tests.builders import a_household, a_lead, a_lead_batch, lead_batch_body, lead_body, somebody
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.leads.sheets import upload, workbook
from tests.leads.test_verification import answered, concluded, tried
from tests.machines import a_machine

LIU_1 = str(grid_id("t.01.01.01"))
FIRST = {"If-Match": '"1"'}
WHY = {"reason": "误将邻乡的名单登记到本乡"}


@pytest.fixture
async def batch(zhou: httpx.AsyncClient) -> dict[str, Any]:
    return await a_lead_batch(zhou)


def _path(row: dict[str, Any], *, kind: str = "lead-batches") -> str:
    return f"/v1/{kind}/{row['id']}/discard"


async def _discard(
    client: httpx.AsyncClient, row: dict[str, Any], *, kind: str = "lead-batches", **told: Any
) -> httpx.Response:
    version = {"If-Match": f'"{row["version"]}"'}
    return await client.post(_path(row, kind=kind), json={**WHY, **told}, headers=version)


async def _listed(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    answer = await client.get("/v1/leads", params={"limit": 500, **asked})
    return [each["id"] for each in answer.json()["items"]]


async def _batches(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    answer = await client.get("/v1/lead-batches", params={"limit": 500, **asked})
    return [each["id"] for each in answer.json()["items"]]


async def _day(client: httpx.AsyncClient) -> str:
    return (await client.get("/v1/my-day")).text


async def _progress(client: httpx.AsyncClient, batch: dict[str, Any]) -> dict[str, int]:
    answer = await client.get("/v1/lead-progress", params={"batch_id": batch["id"]})
    return answer.json()["whole"]


async def test_a_batch_taken_back_is_read_by_its_id_and_nowhere_else(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    given, waiting = await a_lead(zhou, batch, grid_id=LIU_1), await a_lead(zhou, batch)
    assert given["id"] in await _day(ming)
    assert batch["id"] in await _day(zhou)
    made = await _discard(zhou, batch)
    assert made.status_code == 200, made.text
    gone = made.json()
    assert (gone["version"], made.headers["ETag"]) == (2, '"2"')
    assert (gone["discarded_by"], gone["discard_reason"]) == (str(id_of("zhou")), WHY["reason"])
    for client in (zhou, ming):
        assert (await client.get(f"/v1/lead-batches/{batch['id']}")).json() == gone
        assert batch["id"] not in await _batches(client)
        assert batch["id"] in await _batches(client, discarded=True)
        assert batch["id"] not in await _day(client)
    assert not {given["id"], waiting["id"]} & {*await _listed(zhou)}
    assert {given["id"], waiting["id"]} <= {*await _listed(zhou, discarded=True)}
    assert given["id"] not in await _listed(ming)
    assert given["id"] not in await _day(ming)
    assert set((await _progress(zhou, batch)).values()) == {0}
    table = (await zhou.get(f"/v1/lead-batches/{batch['id']}/feedback")).json()
    assert (table["received"], table["rows"]) == (0, [])
    lead = (await ming.get(f"/v1/leads/{given['id']}")).json()["lead"]
    assert (lead["discarded_at"], lead["discard_reason"]) == (gone["discarded_at"], WHY["reason"])
    assert lead["version"] == given["version"] + 1
    (former,) = (await ming.get(f"/v1/leads/{given['id']}/history")).json()["items"]
    assert (former["lead"], former["reason"]) == (given, WHY["reason"])
    entries = (await zhou.get("/v1/audit-entries", params={"subject_id": batch["id"]})).json()
    assert entries["items"][0]["action"] == "lead_batches.discard"
    assert entries["items"][0]["details"] == {"leads": 2}


async def test_taken_back_twice_is_the_same_answer(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    await a_lead(zhou, batch)
    first, again = await asyncio.gather(*(_discard(zhou, batch) for _ in range(2)))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 200, first.text
    assert (await _discard(zhou, batch)).json() == first.json()
    assert_problem(await _discard(zhou, batch, reason="另一个原因"), LeadBatchDiscarded)
    assert_problem(await _discard(await town.as_("gu"), batch), LeadBatchDiscarded)


async def test_whoever_may_enter_batches_takes_them_back_and_nobody_else(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = await a_lead(zhou, batch, grid_id=LIU_1)
    for row, kind in ((batch, "lead-batches"), (lead, "leads")):
        assert_problem(await _discard(town.nobody(), row, kind=kind), NotSignedIn)
        for name in ("ming", "he", "pang"):
            assert_problem(await _discard(await town.as_(name), row, kind=kind), NotPermitted)
        for name in ("wei", "bai"):
            assert_problem(await _discard(await town.as_(name), row, kind=kind), NotFound)
    lin = await town.as_("lin")
    assert_problem(await _discard(lin, batch), NotFound)
    assert_problem(await _discard(lin, lead, kind="leads"), OutsideYourGrid)
    own = await a_lead_batch(lin)
    assert (await _discard(zhou, own)).status_code == 200
    assert (await _discard(lin, await a_lead_batch(lin))).status_code == 200


@pytest.mark.parametrize("kind", ["lead-batches", "leads"])
async def test_a_version_and_a_reason_are_needed(
    zhou: httpx.AsyncClient, batch: dict[str, Any], kind: str
):
    row = {"lead-batches": batch, "leads": await a_lead(zhou, batch)}[kind]
    path = _path(row, kind=kind)
    assert_problem(await zhou.post(path, json=WHY), VersionMissing)
    other = await zhou.post(path, json=WHY, headers={"If-Match": '"7"'})
    assert assert_problem(other, VersionMismatch)["version"] == 1
    for body in ({}, {"reason": " "}, {"reason": None}, {**WHY, "discarded_at": None}):
        assert_problem(await zhou.post(path, json=body, headers=FIRST), InvalidInput)
    unknown = await zhou.post(_path({"id": new_id()}, kind=kind), json=WHY, headers=FIRST)
    assert_problem(unknown, NotFound)
    assert (await zhou.get(f"/v1/lead-batches/{batch['id']}")).json()["discarded_at"] is None
    assert len(await _listed(zhou, batch_id=batch["id"])) == 1


async def _given(zhou: httpx.AsyncClient, batch: dict[str, Any]) -> str:
    return (await a_lead(zhou, batch, grid_id=LIU_1))["id"]


async def test_what_somebody_has_done_is_never_taken_back(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    untouched = await a_lead(zhou, batch, grid_id=LIU_1)
    called, asked, away = [await _given(zhou, batch) for _ in range(3)]
    await tried(ming, called, reached=False)
    await answered(ming, asked, but="travel_card")
    lin = await town.as_("lin")
    assert (await concluded(lin, away, "not_in_jurisdiction", note="在外县")).status_code == 200
    there = {"id": str(new_id()), "to_code": "451026101", "to_name": "城关镇", "reason": "现住"}
    assert (await zhou.post(f"/v1/leads/{away}/transfers", json=there)).status_code == 201
    told = assert_problem(await _discard(zhou, batch), LeadsWorkedOn)
    assert told["worked_on"] == 3
    assert "3条" in told["detail"]
    for lead in (called, asked, away):
        row = (await zhou.get(f"/v1/leads/{lead}")).json()["lead"]
        assert_problem(await _discard(zhou, row, kind="leads"), LeadsWorkedOn)
    assert (await zhou.get(f"/v1/lead-batches/{batch['id']}")).json() == batch
    assert (await _discard(zhou, untouched, kind="leads")).status_code == 200
    assert (await _progress(zhou, batch))["received"] == 3


async def test_what_another_lead_was_found_to_be_the_double_of_stays(
    zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    who = somebody()
    first = await a_lead(zhou, batch, phone=who["phone"], name=who["name"])
    other = await a_lead(zhou, await a_lead_batch(zhou), phone=who["phone"], name=who["name"])
    assert other["duplicate_of_id"] == first["id"]
    path = f"/v1/leads/{other['id']}/duplicate"
    assert (await zhou.post(path, json={"is_duplicate": True})).status_code == 200
    assert assert_problem(await _discard(zhou, batch), LeadsWorkedOn)["worked_on"] == 1
    assert (await zhou.post(path, json={"is_duplicate": False})).status_code == 200
    assert (await _discard(zhou, batch)).status_code == 200
    named = {"is_duplicate": True, "duplicate_of_id": first["id"]}
    third = await a_lead(zhou, await a_lead_batch(zhou))
    told = assert_problem(
        await zhou.post(f"/v1/leads/{third['id']}/duplicate", json=named), LeadDiscarded
    )
    assert told["errors"][0]["pointer"] == "/body/duplicate_of_id"


async def test_later_leads_are_not_held_against_what_was_taken_back(
    zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    who = {name: value for name, value in somebody().items() if name in ("name", "phone")}
    first = await a_lead(zhou, batch, **who)
    second, third = [await a_lead(zhou, await a_lead_batch(zhou), **who) for _ in range(2)]
    assert [each["duplicate_of_id"] for each in (second, third)] == [first["id"]] * 2
    assert (await _discard(zhou, batch)).status_code == 200
    now = [(await zhou.get(f"/v1/leads/{each['id']}")).json()["lead"] for each in (second, third)]
    assert [each["duplicate_of_id"] for each in now] == [None, second["id"]]
    assert [each["duplicate"] for each in now] == [None, "proposed"]
    later = await a_lead(zhou, await a_lead_batch(zhou), **who)
    assert later["duplicate_of_id"] == second["id"]


async def test_its_number_may_be_entered_again(zhou: httpx.AsyncClient):
    said = lead_batch_body()
    lead = lead_body()
    made = await zhou.post("/v1/lead-batches", json=said)
    path = f"/v1/lead-batches/{said['id']}/leads"
    await zhou.post(path, json=lead)
    assert (await _discard(zhou, made.json())).status_code == 200
    anew = said | {"id": str(new_id())}
    assert (await zhou.post("/v1/lead-batches", json=anew)).status_code == 201
    kept = await zhou.post("/v1/lead-batches", json=said)
    assert (kept.status_code, kept.json()["discard_reason"]) == (200, WHY["reason"])
    again = await zhou.post(path, json=lead)
    assert (again.status_code, again.json()["discard_reason"]) == (200, WHY["reason"])
    assert_problem(await zhou.post(path, json=lead_body()), LeadBatchDiscarded)
    content = workbook([("姓名", "联系电话"), ("覃某", "13900001111")])
    assert_problem(await upload(zhou, made.json(), content), LeadBatchDiscarded)
    feedback = f"/v1/lead-batches/{said['id']}/feedback"
    assert_problem(await zhou.post(feedback, json={"id": str(new_id())}), LeadBatchDiscarded)
    changed = await zhou.patch(
        f"/v1/lead-batches/{said['id']}", json={"instructions": "x"}, headers={"If-Match": '"2"'}
    )
    assert_problem(changed, LeadBatchDiscarded)


async def test_a_system_is_told_that_its_batch_was_taken_back(town: Town, zhou: httpx.AsyncClient):
    machine = await a_machine(town, "leads:write")
    path, known = "/v1/inbound/lead-batches", lead_body()
    sent = {"batch": lead_batch_body(), "items": [known]}
    made = await machine.post(path, json=sent)
    assert made.status_code == 201, made.text
    assert made.json()["batch"]["discarded_at"] is None
    assert (await _discard(zhou, made.json()["batch"])).status_code == 200
    more = {"batch": sent["batch"], "items": [known, lead_body()]}
    again = await machine.post(path, json=more)
    assert again.status_code == 200, again.text
    told = again.json()
    assert told["batch"]["discard_reason"] == WHY["reason"]
    assert told["batch"]["discarded_by"] == str(id_of("zhou"))
    assert [each["outcome"] for each in told["leads"]["items"]] == ["unchanged", "refused"]
    problem = told["leads"]["items"][1]["problem"]
    assert problem["type"] == f"/problems/{LeadBatchDiscarded.slug()}"
    anew = {"batch": sent["batch"] | {"id": str(new_id())}, "items": [lead_body()]}
    assert (await machine.post(path, json=anew)).status_code == 201
    assert (await machine.post(path, json=more)).json()["batch"] == told["batch"]


async def _late(town: Town, zhou: httpx.AsyncClient, at: Any) -> dict[str, dict[str, Any]]:
    """The alerts of late leads by what they are about, as they stand after a sweep."""
    await sweep(town.database, "leads.late", TOWNSHIP, at=at)
    found = (await zhou.get("/v1/alerts?cause=overdue_lead&limit=500")).json()["items"]
    told = [(await zhou.get(f"/v1/alerts/{each['id']}")).json() for each in found]
    return {each["evidence"][0]["record_id"]: each for each in told}


async def test_the_lateness_of_what_was_taken_back_is_nobodys_alert(
    town: Town, zhou: httpx.AsyncClient
):
    soon = (clock.now() + timedelta(minutes=10)).isoformat()
    batch = await a_lead_batch(zhou, deadline_at=soon)
    leads = [await _given(zhou, batch) for _ in range(2)]
    other = await _given(zhou, await a_lead_batch(zhou, deadline_at=soon))
    late = clock.now() + timedelta(minutes=11)
    opened = await _late(town, zhou, late)
    assert {opened[each]["status"] for each in (*leads, other)} == {"open"}
    await zhou.post(f"/v1/alerts/{opened[leads[0]]['id']}/acknowledge")
    assert (await _discard(zhou, batch)).status_code == 200
    now = await _late(town, zhou, late + timedelta(days=1))
    assert [now[each]["status"] for each in (*leads, other)] == ["verified", "verified", "open"]
    assert now[leads[1]]["climbs_at"] is None
    told = now[leads[1]]
    assert (told["verified_by"], told["evidence"][0]["discarded_at"] is None) == (None, False)
    closing = told["actions"][-1]
    assert (closing["verb"], closing["worker_id"]) == ("verify", None)
    assert closing["note"] == f"线索已作废：{WHY['reason']}"
    for lead in leads:
        assert opened[lead]["id"] not in await _day(zhou)


async def test_a_single_lead_is_taken_back_alone(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    twice, stays = [await a_lead(zhou, batch, grid_id=LIU_1) for _ in range(2)]
    answers = await asyncio.gather(*(_discard(zhou, twice, kind="leads") for _ in range(2)))
    assert [each.status_code for each in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["discarded_by"] == str(id_of("zhou"))
    assert await _listed(zhou, batch_id=batch["id"]) == [stays["id"]]
    assert twice["id"] not in await _day(ming)
    assert_problem(await _discard(zhou, twice, kind="leads", reason="别的"), LeadDiscarded)
    path = f"/v1/leads/{twice['id']}"
    attempt = {"id": str(new_id()), "kind": "phone", "reached": True}
    for step, body in (
        ("attempts", attempt),
        ("answers", {"id": str(new_id()), "question": "travel_card", "shown": "not_asked"}),
        ("conclude", {"outcome": "info_error", "note": "空号"}),
    ):
        assert_problem(await ming.post(f"{path}/{step}", json=body), LeadDiscarded)
    assert_problem(await zhou.post(f"{path}/assign", json={"grid_id": LIU_1}), LeadDiscarded)
    items = [{"lead_id": twice["id"], "grid_id": LIU_1}]
    given = await zhou.post(f"/v1/lead-batches/{batch['id']}/assign", json={"items": items})
    assert given.json()["items"][0]["problem"]["title"] == LeadDiscarded.title
    assert (await _discard(zhou, batch)).status_code == 200
    assert (await zhou.get(path)).json()["lead"] == answers[0].json()


async def test_a_row_taken_back_does_not_come_again_by_its_sheet(zhou: httpx.AsyncClient):
    batch = await a_lead_batch(zhou)
    who = somebody()
    content = workbook([("姓名", "联系电话"), (who["name"], who["phone"])])
    (row,) = (await upload(zhou, batch, content)).json()["rows"]
    lead = (await zhou.get(f"/v1/leads/{row['lead_id']}")).json()["lead"]
    assert (await _discard(zhou, lead, kind="leads")).status_code == 200
    (again,) = (await upload(zhou, batch, content)).json()["rows"]
    assert again["outcome"] == "refused"
    assert "作废" in again["errors"][0]["detail"]
    assert await _listed(zhou, batch_id=batch["id"]) == []


async def test_a_batch_is_closed_when_only_what_was_taken_back_was_owed(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    done, mistaken = await _given(zhou, batch), await a_lead(zhou, batch)
    lin = await town.as_("lin")
    assert (await concluded(lin, done, "info_error", note="空号")).status_code == 200
    await zhou.post(f"/v1/leads/{done}/review", json={"approved": True})
    feedback = f"/v1/lead-batches/{batch['id']}/feedback"
    assert (await zhou.post(feedback, json={"id": str(new_id())})).status_code == 201
    address = f"/v1/lead-batches/{batch['id']}"
    assert (await zhou.get(address)).json()["closed_at"] is None
    assert (await _discard(zhou, mistaken, kind="leads")).status_code == 200
    assert (await zhou.get(address)).json()["closed_at"] is not None


async def test_what_another_township_handed_over_is_not_taken_back(
    town: Town, zhou: httpx.AsyncClient
):
    bai = await town.as_("bai")
    lead = await _given(zhou, await a_lead_batch(zhou))
    lin = await town.as_("lin")
    await concluded(lin, lead, "not_in_jurisdiction", note="住白水乡")
    there = {"id": str(new_id()), "to_code": OTHER_TOWNSHIP, "to_name": "白水乡", "reason": "现住"}
    assert (await zhou.post(f"/v1/leads/{lead}/transfers", json=there)).status_code == 201
    async with town.database.session(Entry.for_the_house(OTHER_TOWNSHIP)) as session:
        payload = {"cell": TOWNSHIP, "transfer": there["id"]}
        await receive(session, OTHER_TOWNSHIP, payload)
    newest = (await bai.get("/v1/leads", params={"limit": 500})).json()["items"][-1]
    assert_problem(await _discard(bai, newest, kind="leads"), LeadHandedHere)
    batch = (await bai.get(f"/v1/lead-batches/{newest['batch_id']}")).json()
    assert_problem(await _discard(bai, batch), LeadHandedHere)


async def _later(milliseconds: int, sent: Awaitable[httpx.Response]) -> httpx.Response:
    """Sent a little after, so that now the one comes first and now the other."""
    await asyncio.sleep(milliseconds / 1_000)
    return await sent


@pytest.mark.parametrize("kind", ["lead-batches", "leads"])
async def test_an_attempt_and_a_discard_at_the_same_moment_are_one_of_the_two(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, kind: str
):
    for late in range(12):
        batch = await a_lead_batch(zhou)
        lead = await a_lead(zhou, batch, grid_id=LIU_1)
        said = {"id": str(new_id()), "kind": "phone", "reached": False}
        path = f"/v1/leads/{lead['id']}"
        row = batch if kind == "lead-batches" else lead
        gone, tried_ = await asyncio.gather(
            _discard(zhou, row, kind=kind), _later(late, ming.post(f"{path}/attempts", json=said))
        )
        kept = (await ming.get(f"{path}/verification")).json()["attempts"]
        now = (await ming.get(path)).json()["lead"]
        if tried_.status_code == 201:
            refused = (VersionMismatch, LeadsWorkedOn)
            assert gone.json()["type"] in {f"/problems/{each.slug()}" for each in refused}
            assert [each["id"] for each in kept] == [said["id"]]
            assert (now["status"], now["discarded_at"]) == ("contacting", None)
        else:
            assert_problem(tried_, LeadDiscarded)
            assert gone.status_code == 200, gone.text
            assert kept == []
            assert now["discarded_at"] is not None


async def test_a_lead_received_while_its_batch_is_taken_back_is_not_left_over(
    zhou: httpx.AsyncClient,
):
    for _ in range(6):
        batch = await a_lead_batch(zhou)
        said = lead_body()
        path = f"/v1/lead-batches/{batch['id']}/leads"
        received, gone = await asyncio.gather(zhou.post(path, json=said), _discard(zhou, batch))
        assert gone.status_code == 200, gone.text
        if received.status_code != 201:
            assert_problem(received, LeadBatchDiscarded)
        assert said["id"] not in await _listed(zhou)


async def test_a_resident_keeps_no_trace_of_a_lead_taken_back(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    home = await a_household(ming, grid="t.01.01.01")
    person = home["residents"][0]["id"]
    path = f"/v1/residents/{person}/reveal"
    plain = (await ming.post(path, json={"reason": "核对电话号码"})).json()
    name = home["residents"][0]["name"]
    lead = await a_lead(zhou, batch, name=name, phone=plain["phone"])
    assert lead["resident_id"] == person
    wanted = {"resident_id": person}
    assert await _listed(zhou, **wanted) == [lead["id"]]
    assert (await _discard(zhou, batch)).status_code == 200
    assert await _listed(zhou, **wanted) == []
    dossier = await zhou.get(f"/v1/residents/{person}/dossier", params={"kind": "lead"})
    assert lead["id"] not in dossier.text


async def test_what_was_late_and_taken_back_is_late_in_no_count(
    town: Town, zhou: httpx.AsyncClient
):
    soon = (clock.now() + timedelta(minutes=10)).isoformat()
    batch = await a_lead_batch(zhou, deadline_at=soon)
    await _given(zhou, batch)
    assert (await _discard(zhou, batch)).status_code == 200
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        chief = town.client(await town.token_of("zhou"))
        assert (await _progress(chief, batch))["late"] == 0
        assert batch["id"] not in await _batches(chief, late=True)
