"""An alert from its opening until somebody else has verified it, by those whom it concerns."""

import asyncio
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.access.two_people import NeedsAnotherPerson
from api.alerts.problems import AlertElsewhere, AnotherAlertOpen
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
)
from api.foundation.records import new_id
from tests.alerts.conftest import HOME, Climb, Signed, after
from tests.builders import a_household, a_quarantine
from tests.cast import Town, assert_problem, grid_id, id_of

VERBS = ("seen", "acknowledge", "handle", "resolve", "verify", "reopen")
NOTES = {
    "handle": {"note": "已联系乡卫生院派车"},
    "resolve": {"note": "已送发热门诊，诊断为普通感冒𠮷"},
    "verify": {"note": "回访体温正常"},
    "reopen": {"reason": "回访时又发热"},
}


async def _do(client: httpx.AsyncClient, alert: str, verb: str) -> httpx.Response:
    return await client.post(f"/v1/alerts/{alert}/{verb}", json=NOTES.get(verb))


async def _done(client: httpx.AsyncClient, alert: str, *verbs: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for verb in verbs:
        answer = await _do(client, alert, verb)
        assert answer.status_code == 200, answer.text
        said = answer.json()
    return said


async def _person(signed: Signed, **told: Any) -> dict[str, Any]:
    home = await a_household(await signed("lin"), grid=HOME, **told)
    return home["residents"][0] | {"household_id": home["id"], "household_name": home["name"]}


async def _reported(signed: Signed, name: str = "ming", **told: Any) -> dict[str, Any]:
    about = told or {"resident_id": (await _person(signed))["id"]}
    body = {"id": str(new_id()), "cause": "fever", **about}
    answer = await (await signed(name)).post("/v1/alerts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["alert"]


async def test_nobody_sees_or_answers_an_alert(town: Town, signed: Signed):
    alert = (await _reported(signed))["id"]
    assert_problem(await town.nobody().get("/v1/alerts"), NotSignedIn)
    assert_problem(await town.nobody().get(f"/v1/alerts/{alert}"), NotSignedIn)
    for verb in VERBS:
        assert_problem(await _do(town.nobody(), alert, verb), NotSignedIn)


async def test_the_neighbour_neither_sees_nor_answers_it(signed: Signed):
    alert = (await _reported(signed))["id"]
    mei = await signed("mei")
    assert_problem(await mei.get(f"/v1/alerts/{alert}"), NotFound)
    for verb in VERBS:
        assert_problem(await _do(mei, alert, verb), NotFound)
    assert alert not in (await mei.get("/v1/alerts")).text
    named = {"grid_id": str(grid_id(HOME))}
    assert_problem(await mei.get("/v1/alerts", params=named), NotFound)


async def test_a_volunteer_reports_and_does_not_answer(signed: Signed):
    alert = (await _reported(signed, "ba"))["id"]
    ba = await signed("ba")
    assert (await ba.get(f"/v1/alerts/{alert}")).status_code == 200
    assert_problem(await _do(ba, alert, "acknowledge"), NotPermitted)


async def test_one_on_duty_from_elsewhere_sees_it_and_does_not_answer_for_the_grid(signed: Signed):
    served = await a_quarantine(await signed("lin"), team=("ming", "pang", "qin", "he"))
    alert = (await _reported(signed, resident_id=served["resident_id"]))["id"]
    he = await signed("he")
    seen = await he.get(f"/v1/alerts/{alert}")
    assert seen.json()["quarantine_id"] == served["id"]
    assert_problem(await _do(he, alert, "acknowledge"), OutsideYourGrid)


async def test_an_alert_from_report_to_closure_tells_its_whole_story(
    signed: Signed, climb_at: Climb
):
    person = await _person(signed)
    said = {"resident_id": person["id"], "note": "昨夜起发热，家人不愿就医"}
    alert = (await _reported(signed, **said))["id"]
    await _done(await signed("lin"), alert, "seen")
    assert await climb_at(20) == 1
    await _done(await signed("zhou"), alert, "acknowledge")
    assert await climb_at(200) == 0
    lin = await signed("lin")
    await _done(lin, alert, "handle", "resolve")
    whole = await _done(await signed("zhou"), alert, "verify")
    assert (whole["status"], whole["overdue"], whole["climbs_at"]) == ("verified", False, None)
    assert whole["resident_name"] == person["name"]
    assert whole["household_name"] == person["household_name"]
    [shown] = whole["evidence"]
    assert (shown["kind"], shown["note"], shown["told_by"]) == (
        "report",
        said["note"],
        str(id_of("ming")),
    )
    first, second = whole["hops"]
    [lin_told] = first["told"]
    assert lin_told["worker_name"] == "林支书"
    assert lin_told["seen_at"] == first["told_at"]
    assert lin_told["acknowledged_at"] is None
    assert datetime.fromisoformat(first["due_at"]) == after(15)
    assert datetime.fromisoformat(second["told_at"]) == after(20)
    [zhou_told] = [each for each in second["told"] if each["worker_name"] == "周书记"]
    assert zhou_told["seen_at"] == zhou_told["acknowledged_at"] == whole["acknowledged_at"]
    done = [(each["verb"], each["worker_id"], each["note"]) for each in whole["actions"]]
    zhou, him = str(id_of("zhou")), str(id_of("lin"))
    assert done == [
        ("acknowledge", zhou, None),
        ("handle", him, NOTES["handle"]["note"]),
        ("resolve", him, NOTES["resolve"]["note"]),
        ("verify", zhou, NOTES["verify"]["note"]),
    ]


async def test_a_leader_may_answer_before_being_told_and_the_clock_stands(
    signed: Signed, climb_at: Climb
):
    alert = (await _reported(signed))["id"]
    said = await _done(await signed("zhou"), alert, "acknowledge")
    assert (said["status"], said["climbs_at"], said["hop"]) == ("acknowledged", None, 1)
    assert await climb_at(16) == 0


async def test_each_verb_sent_again_by_the_same_person_changes_nothing(signed: Signed):
    alert = (await _reported(signed))["id"]
    lin, zhou = await signed("lin"), await signed("zhou")
    for client, verb in (
        (lin, "acknowledge"),
        (lin, "handle"),
        (lin, "resolve"),
        (zhou, "verify"),
        (zhou, "reopen"),
    ):
        once = await _done(client, alert, verb)
        assert await _done(client, alert, verb) == once


async def test_out_of_order_it_is_refused_with_where_it_stands(signed: Signed):
    alert = (await _reported(signed))["id"]
    lin = await signed("lin")
    for verb in ("handle", "resolve", "verify", "reopen"):
        said = assert_problem(await _do(lin, alert, verb), AlertElsewhere)
        assert said["alert_status"] == "open"
    await _done(lin, alert, "acknowledge")
    late = await _do(await signed("zhou"), alert, "acknowledge")
    assert assert_problem(late, AlertElsewhere)["alert_status"] == "acknowledged"


async def test_nobody_verifies_what_they_handled_or_resolved(signed: Signed):
    alert = (await _reported(signed))["id"]
    lin, ming = await signed("lin"), await signed("ming")
    await _done(lin, alert, "acknowledge", "handle")
    await _done(ming, alert, "resolve")
    for client in (lin, ming):
        assert_problem(await _do(client, alert, "verify"), NeedsAnotherPerson)
    assert (await _done(await signed("shan"), alert, "verify"))["status"] == "verified"


async def test_two_who_acknowledge_at_once_are_told_who_came_first(signed: Signed):
    alert = (await _reported(signed))["id"]
    clients = [await signed(name) for name in ("lin", "zhou", "shan")]
    answers = await asyncio.gather(*(_do(client, alert, "acknowledge") for client in clients))
    assert sorted(each.status_code for each in answers) == [200, 409, 409]


async def test_a_reopened_alert_has_a_new_clock_and_counts_its_hops_on(
    signed: Signed, climb_at: Climb
):
    alert = (await _reported(signed))["id"]
    assert await climb_at(15) == 1
    lin = await signed("lin")
    await _done(lin, alert, "acknowledge", "handle", "resolve")
    again = await _done(await signed("zhou"), alert, "reopen")
    assert (again["status"], again["acknowledged_by"], again["resolved_by"]) == ("open", None, None)
    assert [(hop["number"], hop["step"]) for hop in again["hops"]] == [(1, 1), (2, 2), (3, 1)]
    assert [each["verb"] for each in again["actions"]][-1] == "reopen"
    assert await climb_at(29.9) == 0
    assert await climb_at(30) == 1
    seen = await _done(await signed("zhou"), alert, "seen")
    his = [
        (hop["number"], each["seen_at"] is not None)
        for hop in seen["hops"]
        for each in hop["told"]
        if each["worker_name"] == "周书记"
    ]
    assert his == [(2, False), (4, True)]


async def test_new_evidence_opens_a_resolved_alert_again_by_itself(signed: Signed):
    person = (await _person(signed))["id"]
    first = (await _reported(signed, resident_id=person))["id"]
    await _done(await signed("lin"), first, "acknowledge", "handle", "resolve")
    again = await _reported(signed, resident_id=person)
    assert (again["id"], again["status"], again["hop"]) == (first, "open", 2)
    lin = await signed("lin")
    last = (await lin.get(f"/v1/alerts/{first}")).json()["actions"][-1]
    assert (last["verb"], last["worker_id"]) == ("reopen", None)
    assert "新的情况" in last["note"]


async def test_a_verified_one_is_not_reopened_beside_its_successor(signed: Signed):
    person = (await _person(signed))["id"]
    first = (await _reported(signed, resident_id=person))["id"]
    lin, zhou = await signed("lin"), await signed("zhou")
    await _done(lin, first, "acknowledge", "handle", "resolve")
    await _done(zhou, first, "verify")
    second = await _reported(signed, resident_id=person)
    assert second["id"] != first
    assert_problem(await _do(zhou, first, "reopen"), AnotherAlertOpen)
    assert (await lin.get(f"/v1/alerts/{first}")).json()["status"] == "verified"


async def test_a_report_sent_twice_is_one_and_another_under_its_id_is_refused(signed: Signed):
    person, ming = await _person(signed), await signed("ming")
    body = {
        "id": str(new_id()),
        "resident_id": person["id"],
        "note": "咳嗽'); DROP TABLE alerts;--",
    }
    answers = [await ming.post("/v1/alerts", json=body) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["id"] == body["id"]
    other = body | {"note": "发热", "cause": "fever"}
    refused = assert_problem(await ming.post("/v1/alerts", json=other), RecordDiffers)
    assert set(refused["fields"]) == {"note", "cause"}
    told = await ming.get("/v1/alerts", params={"resident_id": person["id"]})
    assert [each["cause"] for each in told.json()["items"]] == ["reported"]


async def test_a_report_under_one_id_about_two_things_at_once_opens_one_alert(signed: Signed):
    person, ming = await _person(signed), await signed("ming")
    body = {"id": str(new_id()), "resident_id": person["id"]}
    bodies = [body | {"cause": cause} for cause in ("fever", "symptom", "breach")]
    answers = await asyncio.gather(*(ming.post("/v1/alerts", json=each) for each in bodies))
    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    told = await ming.get("/v1/alerts", params={"resident_id": person["id"]})
    assert len(told.json()["items"]) == 1


@pytest.mark.parametrize(
    ("about", "pointer"),
    [
        ({}, "/body"),
        ({"resident_id": str(new_id()), "grid_id": str(grid_id(HOME))}, "/body"),
        ({"resident_id": "somebody"}, "/body/resident_id"),
        ({"grid_id": str(grid_id(HOME)), "cause": "boredom"}, "/body/cause"),
        ({"grid_id": str(grid_id(HOME)), "cause": "missed_reading"}, "/body/cause"),
        ({"grid_id": str(grid_id(HOME)), "cause": "overdue_lead"}, "/body/cause"),
        ({"grid_id": str(grid_id(HOME)), "cause": "site_problem"}, "/body/cause"),
        (
            {"grid_id": str(grid_id(HOME)), "recorded_at": "1900-01-01T00:00:00Z"},
            "/body/recorded_at",
        ),
        ({"grid_id": str(grid_id(HOME)), "note": "x" * 2001}, "/body/note"),
    ],
)
async def test_a_report_that_says_too_little_or_too_much_is_refused(
    signed: Signed, about: dict[str, Any], pointer: str
):
    body = {"id": str(new_id()), **about}
    said = assert_problem(await (await signed("ming")).post("/v1/alerts", json=body), InvalidInput)
    assert [each["pointer"] for each in said["errors"]] == [pointer]


@pytest.mark.parametrize("about", ["resident_id", "household_id", "grid_id"])
async def test_nobody_reports_about_what_they_do_not_see(signed: Signed, about: str):
    elsewhere = await a_household(await signed("wei"), grid="t.01.02.01")
    named = {
        "resident_id": elsewhere["residents"][0]["id"],
        "household_id": elsewhere["id"],
        "grid_id": str(grid_id("t.01.02.01")),
    }
    body = {"id": str(new_id()), about: named[about]}
    said = assert_problem(await (await signed("ming")).post("/v1/alerts", json=body), NotFound)
    assert said["errors"][0]["pointer"] == f"/body/{about}"


async def test_the_list_is_narrowed_by_what_is_asked(signed: Signed, climb_at: Climb):
    person = await _person(signed)
    fever = (await _reported(signed, resident_id=person["id"]))["id"]
    refusal = (await _reported(signed, household_id=person["household_id"], cause="refusal"))["id"]
    lin = await signed("lin")

    async def listed(client: httpx.AsyncClient, **wanted: Any) -> set[str]:
        answer = await client.get("/v1/alerts", params={"limit": 500, **wanted})
        assert answer.status_code == 200, answer.text
        return {each["id"] for each in answer.json()["items"]} & {fever, refusal}

    assert await listed(lin) == {fever, refusal}
    assert await listed(lin, cause="refusal") == {refusal}
    assert await listed(lin, resident_id=person["id"]) == {fever}
    assert await listed(lin, grid_id=str(grid_id("t.01.01"))) == {fever, refusal}
    assert await listed(lin, told_to_me=True) == {fever, refusal}
    assert await listed(await signed("shan"), told_to_me=True) == set()
    await _done(lin, refusal, "acknowledge", "handle", "resolve")
    assert await listed(lin, status="open") == {fever}
    await climb_at(121)
    zhou = await signed("zhou")
    assert await listed(zhou, overdue=True) == {fever}
    await _done(zhou, refusal, "verify")
    assert await listed(zhou, closed=False) == {fever}
    assert await listed(zhou, closed=True) == {refusal}


async def test_the_list_goes_on_where_a_page_ended(signed: Signed):
    person = (await _person(signed))["id"]
    for cause in ("fever", "symptom", "breach"):
        await _reported(signed, resident_id=person, cause=cause)
    lin = await signed("lin")
    params = {"resident_id": person, "limit": 2}
    first = (await lin.get("/v1/alerts", params=params)).json()
    params["cursor"] = first["next_cursor"]
    second = (await lin.get("/v1/alerts", params=params)).json()
    causes = [each["cause"] for each in (*first["items"], *second["items"])]
    assert sorted(causes) == ["breach", "fever", "symptom"]
    assert second["next_cursor"] is None
