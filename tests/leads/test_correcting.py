"""What a lead or its batch said wrongly is put right, matched anew, and kept as it was before."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
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
from api.leads.problems import LeadBatchAlreadyEntered, LeadDiscarded, LeadNotSo
from tests.builders import (
    a_household,
    a_lead,
    a_lead_batch,
    lead_batch_body,
    lead_body,
    somebody,
    synthetic_resident,
)
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.leads.test_verification import concluded, tried

LIU_1, LIU_2 = str(grid_id("t.01.01.01")), str(grid_id("t.01.01.02"))
WHY = "录入时错了一位"


@pytest.fixture
async def batch(zhou: httpx.AsyncClient) -> dict[str, Any]:
    return await a_lead_batch(zhou)


async def _correct(client: httpx.AsyncClient, lead: dict[str, Any], **told: Any) -> httpx.Response:
    version = {"If-Match": f'"{lead["version"]}"'}
    return await client.patch(
        f"/v1/leads/{lead['id']}", json={"reason": WHY, **told}, headers=version
    )


async def _corrected(client: httpx.AsyncClient, lead: dict[str, Any], **told: Any) -> Any:
    answer = await _correct(client, lead, **told)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == lead["version"] + 1
    return answer.json()


async def _file(client: httpx.AsyncClient, lead: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/v1/leads/{lead['id']}")).json()


async def _living(town: Town, who: str, grid: str, **told: Any) -> dict[str, Any]:
    person = synthetic_resident(**told)
    home = await a_household(await town.as_(who), grid=grid, residents=[person])
    return person | {"household_id": home["id"]}


async def test_a_digit_of_the_phone_put_right_finds_the_person(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    person = await _living(town, "ming", "t.01.01.01", name="覃小满")
    wrong = await a_lead(zhou, batch, name="覃小满", phone="13700009999")
    assert (wrong["status"], wrong["resident_id"]) == ("imported", None)
    assert len((await _file(zhou, wrong))["candidates"]) == 1
    now = await _corrected(zhou, wrong, phone=person["phone"])
    assert (now["resident_id"], now["matched_how"]) == (person["id"], "phone")
    assert (now["status"], now["assigned_how"]) == ("assigned", "phone")
    assert (now["grid_id"], now["household_id"]) == (LIU_1, person["household_id"])
    file = await _file(ming, wrong)
    assert file["lead"] == now
    assert file["candidates"] == []
    (given,) = file["assignments"]
    assert (given["to_grid_id"], given["reason"], given["by"]) == (LIU_1, WHY, None)
    assert wrong["id"] in (await ming.get("/v1/my-day")).text


async def test_a_wrong_match_is_undone_and_the_lead_is_back_at_the_desk(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    person = await _living(town, "ming", "t.01.01.01", name="覃立秋")
    lead = await a_lead(zhou, batch, name="覃立秋", phone=person["phone"])
    assert lead["resident_id"] == person["id"]
    now = await _corrected(zhou, lead, name="陆白露", phone="13700008888")
    gone = ("resident_id", "matched_how", "household_id", "assigned_how", "assigned_at")
    assert [now[name] for name in gone] == [None] * 5
    assert (now["status"], now["grid_id"]) == ("imported", batch["grid_id"])
    assert_problem(await ming.get(f"/v1/leads/{lead['id']}"), NotFound)
    assert batch["id"] in (await zhou.get("/v1/my-day")).text


async def test_a_name_is_weighed_and_never_merged(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    told = {"document": None, "document_kind": None, "phone": None}
    person = await _living(town, "ming", "t.01.01.01", name="岑小寒", **told)
    lead = await a_lead(zhou, batch, name="岑小汉", address="柳村一组3号")
    assert lead["assigned_how"] == "address"
    now = await _corrected(zhou, lead, name="岑小寒")
    assert (now["resident_id"], now["assigned_how"]) == (None, "address")
    (candidate,) = (await _file(zhou, lead))["candidates"]
    assert (candidate["resident_id"], candidate["confirmed"]) == (person["id"], None)
    ruled_out = {"resident_id": person["id"]}
    await zhou.post(f"/v1/leads/{lead['id']}/unmatch", json=ruled_out)
    again = await _corrected(zhou, now, age=40)
    (kept,) = (await _file(zhou, again))["candidates"]
    assert (kept["resident_id"], kept["confirmed"]) == (person["id"], False)


async def test_whom_somebody_ruled_out_is_not_matched_again(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    person = await _living(town, "ming", "t.01.01.01", name="蒙谷雨")
    lead = await a_lead(zhou, batch, name="蒙谷雨", phone="13700007777")
    await zhou.post(f"/v1/leads/{lead['id']}/unmatch", json={"resident_id": person["id"]})
    now = await _corrected(zhou, lead, phone=person["phone"])
    assert now["resident_id"] is None
    assert [each["confirmed"] for each in (await _file(zhou, lead))["candidates"]] == [False]


async def test_what_was_given_and_matched_by_hand_stays(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    person = await _living(town, "ming", "t.01.01.01", name="韦清明")
    lead = await a_lead(zhou, batch, name="韦晴明", phone="13700006666")
    given = await zhou.post(f"/v1/leads/{lead['id']}/assign", json={"grid_id": LIU_2})
    now = await _corrected(zhou, given.json(), name="韦清明", phone=person["phone"])
    assert (now["resident_id"], now["matched_how"]) == (person["id"], "phone")
    assert (now["grid_id"], now["assigned_how"]) == (LIU_2, "hand")
    other = await a_lead(zhou, batch, name="农某", phone="13700006665")
    path = f"/v1/leads/{other['id']}/match"
    chosen = (await zhou.post(path, json={"resident_id": person["id"]})).json()
    kept = await _corrected(zhou, chosen, phone="13700006664", age=50)
    same = ("resident_id", "matched_how", "grid_id", "household_id", "assigned_at")
    assert [kept[name] for name in same] == [chosen[name] for name in same]


async def test_who_has_begun_goes_on(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    first = await _living(town, "ming", "t.01.01.01", name="覃芒种")
    second = await _living(town, "mei", "t.01.01.02", name="覃夏至")
    lead = await a_lead(zhou, batch, name="覃芒种", phone=first["phone"])
    await tried(ming, lead["id"], reached=False)
    lead = (await _file(zhou, lead))["lead"]
    now = await _corrected(zhou, lead, name="覃夏至", phone=second["phone"])
    assert (now["resident_id"], now["matched_how"]) == (second["id"], "phone")
    assert (now["grid_id"], now["household_id"]) == (LIU_1, None)
    assert (now["status"], now["assigned_at"]) == ("contacting", lead["assigned_at"])
    seen = await ming.get(f"/v1/leads/{lead['id']}/verification")
    assert len(seen.json()["attempts"]) == 1
    assert lead["id"] in (await ming.get("/v1/my-day")).text


async def test_doubles_are_looked_for_anew(zhou: httpx.AsyncClient, batch: dict[str, Any]):
    who = {name: value for name, value in somebody().items() if name in ("name", "phone")}
    first, second = await a_lead(zhou, batch, **who), await a_lead(zhou, batch, **who)
    assert second["duplicate_of_id"] == first["id"]
    apart = await _corrected(zhou, first, phone="13700005555")
    other = (await _file(zhou, second))["lead"]
    assert (other["duplicate_of_id"], other["duplicate"]) == (None, None)
    assert other["version"] == second["version"] + 1
    back = await _corrected(zhou, apart, phone=who["phone"])
    assert back["duplicate_of_id"] is None
    other = (await _file(zhou, second))["lead"]
    assert (other["duplicate_of_id"], other["duplicate"]) == (first["id"], "proposed")
    await zhou.post(f"/v1/leads/{second['id']}/duplicate", json={"is_duplicate": True})
    await _corrected(zhou, back, phone="13700005554")
    assert (await _file(zhou, second))["lead"]["duplicate"] == "confirmed"


async def test_every_fact_is_put_right_and_its_former_version_kept(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    said = lead_body(claim="与病例同乘", address="某路一百二十八号", transport="train")
    path = f"/v1/lead-batches/{batch['id']}/leads"
    lead = (await zhou.post(path, json=said)).json()
    who = somebody()
    told = {
        "name": "𠮷小妹'); DROP TABLE leads; --",
        "document_kind": who["document_kind"],
        "document": who["document"],
        "age": 33,
        "address": None,
        "lead_source": "police",
        "origin_place": "百色市德保县",
        "origin_code": "451024000000",
        "claimed": "close_contact",
        "claim": "同车厢",
        "claimed_on": "2022-02-05",
        "arrived_on": "2022-02-06",
        "transport": None,
        "transport_number": "D8521",
    }
    now = await _corrected(zhou, lead, **told)
    for name in ("name", "lead_source", "claimed", "claimed_on", "arrived_on", "transport_number"):
        assert now[name] == told[name]
    assert (now["address"], now["transport"], now["origin_code"]) == (None, None, "451024")
    assert now["document"].startswith(who["document"][:3])
    assert now["sex"] in ("male", "female")
    assert now["phone"] == lead["phone"]
    ask = {"reason": "核对更正后的内容"}
    plain = (await zhou.post(f"/v1/leads/{lead['id']}/reveal", json=ask)).json()
    assert (plain["document"], plain["claim"], plain["address"]) == (
        who["document"],
        "同车厢",
        None,
    )
    assert (await zhou.post(path, json=said)).json() == now
    (former,) = (await zhou.get(f"/v1/leads/{lead['id']}/history")).json()["items"]
    assert former["lead"] == lead
    assert (former["replaced_by"], former["reason"]) == (str(id_of("zhou")), WHY)
    assert_problem(await (await town.as_("mei")).get(f"/v1/leads/{lead['id']}/history"), NotFound)
    entries = (await zhou.get("/v1/audit-entries", params={"subject_id": lead["id"]})).json()
    (noted,) = [each for each in entries["items"] if each["action"] == "leads.correct"]
    assert noted["details"] == {"fields": sorted(told)}
    assert who["document"] not in str(entries)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({}, "/body"),
        ({"name": None, "phone": None}, "/body/name"),
        ({"phone": "12345"}, "/body/phone"),
        ({"document": "451422199001010012"}, "/body/document"),
        ({"age": 131}, "/body/age"),
        ({"claimed": None}, "/body/claimed"),
        ({"lead_source": None}, "/body/lead_source"),
        ({"claimed_on": "2190-01-01"}, "/body/claimed_on"),
        ({"age": 4, "reason": None}, "/body/reason"),
        ({"age": 4, "reason": " "}, "/body/reason"),
        ({"status": "fed_back"}, "/body/status"),
        ({"resident_id": str(new_id())}, "/body/resident_id"),
        ({"deadline_at": None}, "/body/deadline_at"),
    ],
)
async def test_a_correction_told_wrongly_is_pointed_at_and_changes_nothing(
    zhou: httpx.AsyncClient, batch: dict[str, Any], changes: dict[str, Any], pointer: str
):
    lead = await a_lead(zhou, batch)
    told = assert_problem(await _correct(zhou, lead, **changes), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert (await _file(zhou, lead))["lead"] == lead


async def test_an_identity_number_is_not_contradicted(
    zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = await a_lead(zhou, batch, **somebody())
    for changes, pointer in (
        ({"birth_date": "1930-01-01"}, "/body/birth_date"),
        ({"sex": "not_stated"}, "/body/sex"),
    ):
        told = assert_problem(await _correct(zhou, lead, **changes), InvalidInput)
        assert [each["pointer"] for each in told["errors"]] == [pointer]


async def test_whoever_may_enter_leads_puts_them_right_and_nobody_else(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = await a_lead(zhou, batch, grid_id=LIU_1)
    assert_problem(await _correct(town.nobody(), lead, age=3), NotSignedIn)
    for name in ("ming", "he", "pang"):
        assert_problem(await _correct(await town.as_(name), lead, age=3), NotPermitted)
    for name in ("wei", "bai"):
        assert_problem(await _correct(await town.as_(name), lead, age=3), NotFound)
    lin = await town.as_("lin")
    assert_problem(await _correct(lin, lead, age=3), OutsideYourGrid)
    own = await a_lead(lin, await a_lead_batch(lin))
    assert (await _corrected(lin, own, age=3))["age"] == 3
    path = f"/v1/leads/{lead['id']}"
    assert_problem(await zhou.patch(path, json={"age": 3, "reason": WHY}), VersionMissing)
    assert_problem(await _correct(zhou, lead | {"version": 7}, age=3), VersionMismatch)
    first, second = await asyncio.gather(*(_correct(zhou, lead, age=at) for at in (3, 4)))
    assert sorted(each.status_code for each in (first, second)) == [200, 412]


async def test_what_was_reviewed_or_taken_back_is_not_put_right(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = await a_lead(zhou, batch, grid_id=LIU_1)
    lin = await town.as_("lin")
    assert (await concluded(lin, lead["id"], "info_error", note="空号")).status_code == 200
    waiting = (await _file(zhou, lead))["lead"]
    now = await _corrected(zhou, waiting, claimed="case", age=61)
    assert (now["status"], now["outcome"], now["claimed"]) == ("under_review", "info_error", "case")
    await zhou.post(f"/v1/leads/{lead['id']}/review", json={"approved": True})
    reviewed = (await _file(zhou, lead))["lead"]
    told = assert_problem(await _correct(zhou, reviewed, age=62), LeadNotSo)
    assert told["lead_status"] == "reviewed"
    gone = await a_lead(zhou, batch)
    await zhou.post(
        f"/v1/leads/{gone['id']}/discard", json={"reason": WHY}, headers={"If-Match": '"1"'}
    )
    assert_problem(await _correct(zhou, gone, age=62), LeadDiscarded)


async def _late(town: Town, zhou: httpx.AsyncClient, at: datetime) -> dict[str, list[str]]:
    """How the alerts of each late lead stand after a sweep, the oldest first."""
    await sweep(town.database, "leads.late", TOWNSHIP, at=at)
    found = (await zhou.get("/v1/alerts?cause=overdue_lead&limit=500")).json()["items"]
    stand: dict[str, list[str]] = {}
    for each in sorted(found, key=lambda alert: alert["opened_at"]):
        told = (await zhou.get(f"/v1/alerts/{each['id']}")).json()
        stand.setdefault(told["evidence"][0]["record_id"], []).append(each["status"])
    return stand


async def _moved(client: httpx.AsyncClient, batch: dict[str, Any], at: datetime) -> dict[str, Any]:
    told = {"deadline_at": at.isoformat(), "reason": "指挥部改期"}
    version = {"If-Match": f'"{batch["version"]}"'}
    answer = await client.patch(f"/v1/lead-batches/{batch['id']}", json=told, headers=version)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_new_deadline_moves_what_is_late_exactly(town: Town, zhou: httpx.AsyncClient):
    start = clock.now().replace(microsecond=0)

    def after(minutes: int) -> datetime:
        return start + timedelta(minutes=minutes)

    batch = await a_lead_batch(zhou, deadline_at=after(10).isoformat())
    lead = (await a_lead(zhou, batch, grid_id=LIU_1))["id"]
    with time_machine.travel(after(11), tick=False):
        chief = town.client(await town.token_of("zhou"))
        assert (await _late(town, chief, after(11)))[lead] == ["open"]
        batch = await _moved(chief, batch, after(60))
        assert (await _late(town, chief, after(12)))[lead] == ["verified"]
        assert (await _file(chief, {"id": lead}))["lead"]["late"] is False
    with time_machine.travel(after(59), tick=False):
        chief = town.client(await town.token_of("zhou"))
        assert (await _late(town, chief, after(59)))[lead] == ["verified"]
        progress = await chief.get("/v1/lead-progress", params={"batch_id": batch["id"]})
        assert progress.json()["whole"]["late"] == 0
    with time_machine.travel(after(61), tick=False):
        chief = town.client(await town.token_of("zhou"))
        assert (await _late(town, chief, after(61)))[lead] == ["verified", "open"]
        batch = await _moved(chief, batch, after(120))
        batch = await _moved(chief, batch, after(60))
        assert (await _late(town, chief, after(62)))[lead] == ["verified", "verified", "open"]
        batch = await _moved(chief, batch, after(30))
        assert (await _late(town, chief, after(63)))[lead] == ["verified", "verified", "open"]


async def test_a_lead_with_a_deadline_of_its_own_is_moved_alone(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    soon = clock.now() + timedelta(minutes=10)
    lead = await a_lead(zhou, batch, grid_id=LIU_1, deadline_at=soon.isoformat())
    late = soon + timedelta(minutes=1)
    assert (await _late(town, zhou, late))[lead["id"]] == ["open"]
    lead = (await _file(zhou, lead))["lead"]
    now = await _corrected(zhou, lead, deadline_at=(late + timedelta(hours=1)).isoformat())
    assert now["deadline_at"] > lead["deadline_at"]
    assert (await _late(town, zhou, late))[lead["id"]] == ["verified"]
    assert (await _late(town, zhou, late + timedelta(hours=2)))[lead["id"]] == ["verified", "open"]


async def test_a_lead_sent_again_after_its_deadline_was_moved_is_the_same(
    zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    said = lead_body(deadline_at=batch["deadline_at"])
    path = f"/v1/lead-batches/{batch['id']}/leads"
    lead = (await zhou.post(path, json=said)).json()
    moved = await _moved(zhou, batch, clock.now() + timedelta(days=3))
    again = await zhou.post(path, json=said)
    assert again.status_code == 200, again.text
    assert again.json()["deadline_at"] == moved["deadline_at"]
    assert again.json()["version"] == lead["version"] + 1


async def test_what_a_batch_is_called_and_asks_for_is_put_right(zhou: httpx.AsyncClient):
    said = lead_batch_body()
    batch = (await zhou.post("/v1/lead-batches", json=said)).json()
    path, first = f"/v1/lead-batches/{batch['id']}", {"If-Match": '"1"'}
    other = await a_lead_batch(zhou)
    taken = {"batch_number": other["batch_number"], "reason": WHY}
    refused = await zhou.patch(path, json=taken, headers=first)
    assert assert_problem(refused, LeadBatchAlreadyEntered)["batch_id"] == other["id"]
    told = {
        "issuer": "市指挥部",
        "batch_number": "更正批",
        "instructions": None,
        "attempts_needed": 1,
        "attempts_hours_apart": 0,
        "visit_needed": False,
    }
    now = await zhou.patch(path, json={**told, "reason": WHY}, headers=first)
    assert now.status_code == 200, now.text
    assert {name: now.json()[name] for name in told} == told
    (former,) = (await zhou.get(f"{path}/history")).json()["items"]
    assert (former["batch"], former["reason"]) == (batch, WHY)
    anew = said | {"id": str(new_id())}
    assert (await zhou.post("/v1/lead-batches", json=anew)).status_code == 201
    again = await zhou.post("/v1/lead-batches", json=said)
    assert (again.status_code, again.json()) == (200, now.json())
    for wrong in ({}, {"reason": WHY}, {"issuer": None}, {"attempts_needed": 0}, {"grid_id": "1"}):
        refused = await zhou.patch(path, json=wrong, headers={"If-Match": '"2"'})
        assert_problem(refused, InvalidInput)
