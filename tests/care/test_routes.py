"""The care line: a call a day, symptoms told upward, who is not reached is visited (R7, M3.6)."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.care.problems import CallDiscarded, CallOutOfPeriod
from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMissing,
)
from api.foundation.records import new_id
from tests.builders import (
    FOUR,
    a_care_call,
    a_household,
    a_quarantine,
    a_visit,
    care_call_body,
)
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.quarantines.plans import a_planned_quarantine, sampled, the_ninth_edition

CALLS = "/v1/calls"
GRID = "t.01.01.01"


@pytest.fixture(scope="module")
async def served(town: Town) -> dict[str, Any]:
    """Somebody in 柳村一组 with a team, the doctor of the next village on it."""
    return await a_quarantine(await town.as_("lin"), team=FOUR)


def path_of(quarantine: dict[str, Any]) -> str:
    return f"/v1/quarantines/{quarantine['id']}/calls"


def ago(**how_long: float) -> str:
    return (clock.now() - timedelta(**how_long)).isoformat()


async def test_nobody_calls_or_reads_calls(town: Town, served: dict[str, Any]):
    nobody = town.nobody()
    assert_problem(await nobody.post(path_of(served), json=care_call_body()), NotSignedIn)
    assert_problem(await nobody.get(CALLS), NotSignedIn)


async def test_the_neighbour_neither_calls_nor_sees_a_call(town: Town, served: dict[str, Any]):
    call = await a_care_call(await town.as_("ba"), served["id"])
    for neighbour in ("mei", "han", "wei", "bai"):
        client = await town.as_(neighbour)
        assert_problem(await client.post(path_of(served), json=care_call_body()), NotFound)
        assert_problem(await client.get(f"{CALLS}/{call['id']}"), NotFound)
        assert call["id"] not in await _ids(client)
        follow_ups = f"/v1/quarantines/{served['id']}/follow-ups"
        assert_problem(await client.get(follow_ups), NotFound)
        assert served["id"] not in await _owed(client)


async def test_a_village_asks_for_the_calls_of_all_its_grids_and_who_serves_one_for_theirs(
    town: Town, served: dict[str, Any]
):
    call = await a_care_call(await town.as_("ba"), served["id"])
    for name, path in (("lin", "t.01.01"), ("zhou", "t"), ("he", "t.01.01.01")):
        listed = await (await town.as_(name)).get(CALLS, params={"grid_id": str(grid_id(path))})
        assert call["id"] in [each["id"] for each in listed.json()["items"]], name
    beside = {"grid_id": str(grid_id("t.01.01.02"))}
    assert (await (await town.as_("lin")).get(CALLS, params=beside)).json()["items"] == []


async def test_every_level_above_and_who_serves_from_elsewhere_read_the_call(
    town: Town, served: dict[str, Any]
):
    he = await town.as_("he")
    call = await a_care_call(he, served["id"], mood="low", needs=["medicine", "medicine"])
    assert (call["kind"], call["source"], call["needs"]) == ("daily", "phone", ["medicine"])
    assert (call["entered_by"], call["day"]) == (str(id_of("he")), clock.today().isoformat())
    for name in ("he", "ming", "lin", "li", "zhou"):
        answer = await (await town.as_(name)).get(f"{CALLS}/{call['id']}")
        assert answer.headers["ETag"] == '"1"'
        assert answer.json() == call
    other = await a_quarantine(await town.as_("lin"))
    assert_problem(await he.post(path_of(other), json=care_call_body()), NotFound)


async def test_a_call_sent_twice_at_the_same_moment_is_one_call(town: Town, served: dict[str, Any]):
    ba = await town.as_("ba")
    said = care_call_body(note="𠮷祥'; DROP TABLE care_calls; --", symptoms=["fatigue"])
    answers = await asyncio.gather(*(ba.post(path_of(served), json=said) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    differs = await ba.post(path_of(served), json=said | {"note": "别的", "mood": "calm"})
    assert sorted(assert_problem(differs, RecordDiffers)["fields"]) == ["mood", "note"]
    other = await a_quarantine(await town.as_("lin"), grid=GRID)
    lin = await town.as_("lin")
    assert_problem(await lin.post(path_of(other), json=said), RecordDiffers)


async def test_a_note_is_told_only_with_a_reason_that_is_kept(town: Town, served: dict[str, Any]):
    ba, ming, zhou = await town.as_("ba"), await town.as_("ming"), await town.as_("zhou")
    call = await a_care_call(ba, served["id"], note="夜里睡不着，担心孩子")
    assert call["has_note"]
    assert "睡不着" not in (await ming.get(f"{CALLS}/{call['id']}")).text
    path, why = f"{CALLS}/{call['id']}/reveal", {"reason": "安排心理疏导"}
    assert (await ming.post(path, json=why)).json()["note"] == "夜里睡不着，担心孩子"
    assert_problem(await ba.post(path, json=why), NotPermitted)
    looks = await zhou.get("/v1/audit-entries", params={"subject_id": call["id"]})
    assert looks.json()["items"][0]["details"] == why


async def test_symptoms_open_an_alert_and_later_ones_are_added_to_it(town: Town):
    ba, lin = await town.as_("ba"), await town.as_("lin")
    kept = await a_quarantine(lin, team=FOUR)
    await a_care_call(ba, kept["id"])
    assert await _alerts(lin, kept) == []
    first = await a_care_call(ba, kept["id"], symptoms=["dry_cough"])
    await a_care_call(ba, kept["id"], symptoms=["dry_cough", "headache"])
    [alert] = await _alerts(lin, kept)
    assert alert["cause"] == "symptom"
    shown = (await lin.get(f"/v1/alerts/{alert['id']}")).json()["evidence"]
    assert (len(shown), shown[0]["record_id"]) == (2, first["id"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"outcome": "busy"}, "/body/outcome"),
        ({"outcome": "unreachable", "mood": "calm"}, "/body/mood"),
        ({"outcome": "unreachable", "symptoms": ["fever"]}, "/body/symptoms"),
        ({"outcome": "refused", "needs": ["masks"]}, "/body/needs"),
        ({"symptoms": ["boredom"]}, "/body/symptoms/0"),
        ({"called_at": "昨天"}, "/body/called_at"),
        ({"note": "\u0000"}, "/body/note"),
        ({"day": "2022-02-15"}, "/body/day"),
    ],
)
async def test_a_wrong_field_is_pointed_at_and_nothing_is_kept(
    town: Town, served: dict[str, Any], change: dict[str, Any], pointer: str
):
    ba = await town.as_("ba")
    said = care_call_body() | change
    told = assert_problem(await ba.post(path_of(served), json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await ba.get(f"{CALLS}/{said['id']}"), NotFound)


async def test_calls_fit_the_period_and_do_not_come_from_the_future(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    before = care_call_body(called_at=ago(days=2))
    assert_problem(await lin.post(path_of(kept), json=before), CallOutOfPeriod)
    too_soon = care_call_body(kind="follow_up")
    assert_problem(await lin.post(path_of(kept), json=too_soon), CallOutOfPeriod)
    future = care_call_body(called_at=ago(hours=-1))
    refused = assert_problem(await lin.post(path_of(kept), json=future), RecordedInTheFuture)
    assert refused["errors"][0]["pointer"] == "/body/called_at"
    in_error = {"end_reason": "entered_in_error", "note": "登记到了别人名下"}
    ended = await lin.post(
        f"/v1/quarantines/{kept['id']}/terminate",
        json=in_error | {"ended_on": clock.today().isoformat()},
    )
    assert ended.status_code == 200
    assert_problem(await lin.post(path_of(kept), json=care_call_body()), CallOutOfPeriod)


async def test_who_is_not_reached_is_visited_measured_or_reached_later(town: Town):
    lin, ba, he = await town.as_("lin"), await town.as_("ba"), await town.as_("he")
    home = await a_household(lin, grid=GRID)
    person = home["residents"][0]["id"]
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    kept = await a_quarantine(lin, resident=person, team=FOUR, started_on=yesterday)
    await a_care_call(ba, kept["id"], outcome="unreachable", called_at=ago(minutes=50))
    missed = await a_care_call(ba, kept["id"], outcome="unreachable", called_at=ago(minutes=40))
    for client in (ba, he, lin):
        owed = (await _owed(client))[kept["id"]]
        assert (owed["call_id"], owed["household_id"]) == (missed["id"], home["id"])
    await a_visit(await town.as_("ming"), home, outcome="absent", visited_at=ago(minutes=35))
    assert kept["id"] in await _owed(lin)
    await a_visit(await town.as_("ming"), home, visited_at=ago(minutes=30))
    for client in (ba, he, lin):
        assert kept["id"] not in await _owed(client)
    await a_care_call(ba, kept["id"], outcome="unreachable", called_at=ago(minutes=20))
    assert kept["id"] in await _owed(he)
    later = {"since": (clock.today() + timedelta(days=1)).isoformat()}
    assert (await he.get(f"{CALLS}/unreached", params=later)).json()["items"] == []
    await a_care_call(ba, kept["id"], called_at=ago(minutes=10))
    assert kept["id"] not in await _owed(he)
    again = await a_care_call(ba, kept["id"], outcome="unreachable", called_at=ago(minutes=5))
    assert kept["id"] in await _owed(lin)
    gone = {"reason": "其实接通了"}
    path = f"{CALLS}/{again['id']}/discard"
    assert_problem(await lin.post(path, json=gone), VersionMissing)
    done = await lin.post(path, json=gone, headers={"If-Match": '"1"'})
    assert done.json()["discarded_at"] is not None
    assert kept["id"] not in await _owed(lin)
    twice = await lin.post(path, json=gone, headers={"If-Match": '"2"'})
    assert_problem(twice, CallDiscarded)


async def test_nobody_is_sent_to_the_door_of_whoever_is_in_hospital(town: Town):
    lin, ba = await town.as_("lin"), await town.as_("ba")
    kept = await a_quarantine(lin, team=FOUR)
    await a_care_call(ba, kept["id"], outcome="unreachable")

    async def doors() -> list[Any]:
        stops = (await ba.get("/v1/my-day")).json()["stops"]
        duties = [duty for stop in stops for duty in stop["duties"]]
        return [each for each in duties if "电话没有打通" in each["what"]]

    before = len(await doors())
    assert kept["id"] in await _owed(lin)
    ill = {"id": str(new_id()), "hospital": "县人民医院", "reason": "发热"}
    path = f"/v1/quarantines/{kept['id']}/hospital-referrals"
    assert (await lin.post(path, json=ill)).status_code == 201
    assert kept["id"] not in await _owed(lin)
    assert len(await doors()) == before - 1
    back = {"outcome": "returned", "finding": "核酸阴性"}
    path = f"/v1/hospital-referrals/{ill['id']}/return"
    assert (await lin.post(path, json=back, headers={"If-Match": '"1"'})).status_code == 200
    assert kept["id"] in await _owed(lin)


async def test_nobody_is_to_visit_whoever_was_called_while_still_in_quarantine(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    await a_care_call(lin, kept["id"], outcome="unreachable")
    assert kept["id"] in await _owed(lin)
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "迁走"}
    ended = await lin.post(f"/v1/quarantines/{kept['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text
    assert kept["id"] not in await _owed(lin)


async def test_calls_are_narrowed_by_each_filter_and_read_page_by_page(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, grid="t.01.01.02")
    begins, _ = clock.day_bounds(clock.today())
    at = [(begins + timedelta(seconds=second)).isoformat() for second in (1, 3, 2)]
    made = [await a_care_call(lin, kept["id"], called_at=each) for each in at[:2]]
    made.append(await a_care_call(lin, kept["id"], called_at=at[2], outcome="unreachable"))
    newest_first = [made[1]["id"], made[2]["id"], made[0]["id"]]
    today = clock.today().isoformat()
    for params, expected in (
        ({"quarantine_id": kept["id"]}, newest_first),
        ({"grid_id": str(grid_id("t.01.01.02"))}, newest_first),
        ({"quarantine_id": kept["id"], "day": today}, newest_first),
        ({"quarantine_id": kept["id"], "day": "2022-02-15"}, []),
        ({"quarantine_id": kept["id"], "outcome": "unreachable"}, [made[2]["id"]]),
        ({"quarantine_id": kept["id"], "kind": "follow_up"}, []),
    ):
        assert await _ids(lin, **params) == expected, params
    first = (await lin.get(CALLS, params={"quarantine_id": kept["id"], "limit": 2})).json()
    rest = await _ids(lin, quarantine_id=kept["id"], cursor=first["next_cursor"])
    assert [each["id"] for each in first["items"]] + rest == newest_first


async def _ids(client: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await client.get(CALLS, params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def _owed(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(f"{CALLS}/unreached")
    assert answer.status_code == 200, answer.text
    return {each["quarantine_id"]: each for each in answer.json()["items"]}


async def _alerts(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[dict[str, Any]]:
    listed = await client.get("/v1/alerts", params={"quarantine_id": quarantine["id"]})
    return listed.json()["items"]


async def test_after_a_release_calls_answer_the_follow_ups_of_the_plan(
    town: Town, time_machine: Any
):
    kept = await a_planned_quarantine(town, await the_ninth_edition(town))
    await sampled(await town.as_("ming"), kept, 1, 4, 7)
    approval = {"ended_on": clock.today().isoformat(), "reason": "期满"}
    zhou = await town.as_("zhou")
    path = f"/v1/quarantines/{kept['id']}"
    released = await zhou.post(f"{path}/release", json=approval)
    assert released.status_code == 200, released.text
    assert (await zhou.get(f"{path}/follow-ups")).json()["items"] == []
    to_come = (await zhou.get(f"{path}/follow-ups", params={"which": "upcoming"})).json()["items"]
    days = {each["day"]: each["due_on"] for each in to_come}
    assert list(days)[:3] == [1, 2, 3]
    assert days[3] == (clock.today() + timedelta(days=3)).isoformat()
    assert {(each["call_id"], each["late"]) for each in to_come} == {(None, False)}
    greeting = await a_care_call(await town.as_("ming"), kept["id"])
    assert greeting["kind"] == "daily"
    time_machine.move_to(clock.now() + timedelta(days=3), tick=False)
    ming = town.client(await town.token_of("ming"))
    assert [each["day"] for each in await _follow_ups(ming, path)] == [1, 2, 3]
    whole = (await ming.get(f"{path}/follow-ups", params={"which": "all"})).json()["items"]
    assert {each["day"]: each["due_on"] for each in whole} == days
    no_greeting = care_call_body(kind="daily")
    assert_problem(await ming.post(f"{path}/calls", json=no_greeting), CallOutOfPeriod)
    await a_care_call(ming, kept["id"], outcome="unreachable")
    assert {each["call_id"] for each in await _follow_ups(ming, path)} == {None}
    call = await a_care_call(ming, kept["id"], id=str(new_id()))
    assert call["kind"] == "follow_up"
    assert [(each["call_id"], each["late"]) for each in await _follow_ups(ming, path)] == [
        (call["id"], True),
        (call["id"], True),
        (call["id"], False),
    ]


async def _follow_ups(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    return (await client.get(f"{path}/follow-ups")).json()["items"]


async def test_a_team_hears_of_whom_a_call_did_not_reach_and_of_no_other_call(
    town: Town, served: dict[str, Any]
):
    ba, doctor = await town.as_("ba"), await town.as_("he")  # the doctor, from the next village
    mark = (await doctor.get("/v1/events/poll")).json()["next"]
    await a_care_call(ba, served["id"])
    told = (await doctor.get("/v1/events/poll", params={"after": mark})).json()
    assert told["items"] == []
    await a_care_call(ba, served["id"], outcome="unreachable")
    told = (await doctor.get("/v1/events/poll", params={"after": mark})).json()
    heard = [(each["kind"], each["subject_id"]) for each in told["items"]]
    assert heard == [("duties.changed", served["id"])]
