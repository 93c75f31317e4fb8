"""Who stands at a site with the swab tells of those who come, wherever either of them lives."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.checkpoints.searching import WITHIN
from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    TooMany,
)
from api.foundation.records import new_id
from api.sites.attendance import MOST
from api.sites.problems import LookUpOver, OtherKindOfSite, SessionNotSo
from tests.builders import (
    a_household,
    a_quarantine,
    a_shift,
    a_vaccination,
    somebody,
    synthetic_resident,
)
from tests.cast import Town, assert_problem, grid_id
from tests.sites.test_sites import a_session, a_site, the_next

Person = dict[str, Any]


@pytest.fixture
async def held(lin: httpx.AsyncClient) -> dict[str, Any]:
    """A sampling in 柳村, under way."""
    return await a_session(lin, await a_site(lin))


@pytest.fixture
async def shots(lin: httpx.AsyncClient) -> dict[str, Any]:
    """A vaccination in 柳村, under way."""
    return await a_session(lin, await a_site(lin, kind="vaccination", name="文化楼接种点"))


async def on_duty(town: Town, name: str, held: dict[str, Any]) -> httpx.AsyncClient:
    """Somebody of elsewhere, on duty there from now on and nowhere else."""
    zhou = await town.as_("zhou")
    person = await town.as_(name)
    for shift in (await person.get("/v1/duty-shifts")).json()["items"]:
        headers = {"If-Match": f'"{shift["version"]}"'}
        path = f"/v1/duty-shifts/{shift['id']}/discard"
        assert (await zhou.post(path, json={"reason": "换岗"}, headers=headers)).status_code == 200
    await a_shift(zhou, {"id": held["site_id"]}, worker=name)
    return person


def ask(held: dict[str, Any], person: Person, **told: Any) -> dict[str, Any]:
    known = {name: person[name] for name in ("document_kind", "document")}
    return {"site_session_id": held["id"], **known, **told}


async def a_look_up(
    client: httpx.AsyncClient, held: dict[str, Any], person: Person
) -> dict[str, Any]:
    answer = await client.post("/v1/site-look-ups", json=ask(held, person))
    assert answer.status_code == 200, answer.text
    return answer.json()


def tube_body(*look_ups: dict[str, Any], **told: Any) -> dict[str, Any]:
    members = [{"id": str(new_id()), "look_up_id": each["id"]} for each in look_ups]
    said = {"code": f"QZ-{new_id().hex[-8:]}", "pool_size": 10, "members": members}
    return {"id": str(new_id()), "sampled_at": clock.now().isoformat(), **said, **told}


def dose_body(look_up: dict[str, Any], **told: Any) -> dict[str, Any]:
    said = {"given_on": str(clock.today()), "dose_number": 2, "technology": "inactivated"}
    return {"id": str(new_id()), "look_up_id": look_up["id"], **said, **told}


def tubes(held: dict[str, Any]) -> str:
    return f"/v1/site-sessions/{held['id']}/sample-tubes"


def doses(held: dict[str, Any]) -> str:
    return f"/v1/site-sessions/{held['id']}/vaccinations"


async def a_home(lin: httpx.AsyncClient, grid: str = "t.01.01.01") -> tuple[dict[str, Any], Person]:
    person = synthetic_resident(relation="head", name="黄秀英")
    return await a_household(lin, grid=grid, residents=[person]), person


async def test_nobody_and_who_is_not_on_duty_there_ask_and_tell_nothing(
    town: Town, held: dict[str, Any]
):
    """The neighbour, the next village and its doctor: to none of them there is such a session."""
    body = ask(held, somebody())
    assert_problem(await town.nobody().post("/v1/site-look-ups", json=body), NotSignedIn)
    assert_problem(await town.nobody().get(tubes(held)), NotSignedIn)
    tube = tube_body({"id": str(new_id())})
    for name in ("ming", "wei", "he"):
        client = await town.as_(name)
        assert_problem(await client.post("/v1/site-look-ups", json=body), NotFound)
        assert_problem(await client.post(tubes(held), json=tube), NotFound)
        assert_problem(await client.get(tubes(held)), NotFound)
        assert_problem(await client.get(doses(held)), NotFound)


async def test_one_on_duty_from_elsewhere_swabs_and_sees_what_they_told_and_nothing_else(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    """Qin, a party member of the next village, may not even read health records at home."""
    qin = await on_duty(town, "qin", held)
    home, person = await a_home(lin)
    resident = home["residents"][0]["id"]
    quarantine = await a_quarantine(lin, resident=resident)
    look_up = await a_look_up(qin, held, person)
    assert (look_up["known"], look_up["name"]) == (True, "黄*")
    assert (look_up["doses"], look_up["contraindicated"]) == (None, None)
    made = await qin.post(tubes(held), json=tube_body(look_up, pool_size=1))
    assert made.status_code == 201, made.text
    told = made.json()
    assert [each["name"] for each in told["members"]] == ["黄*"]
    listed = await qin.get(tubes(held))
    assert listed.json()["items"] == [told]
    hidden = (resident, home["id"], home["grid_id"], person["document"], quarantine["id"], "秀英")
    for answer in (made, listed):
        assert not [each for each in hidden if each in answer.text]
    for path in (f"residents/{resident}", f"households/{home['id']}"):
        assert_problem(await qin.get(f"/v1/{path}"), NotFound)
    assert_problem(await qin.get(f"/v1/quarantines/{quarantine['id']}"), NotFound)
    assert_problem(await qin.get(f"/v1/sample-tubes/{told['id']}"), NotPermitted)
    [test] = (await lin.get("/v1/tests", params={"resident_id": resident})).json()["items"]
    assert (test["id"], test["tube_id"]) == (told["members"][0]["test_id"], told["id"])
    assert (test["grid_id"], test["quarantine_id"]) == (home["grid_id"], quarantine["id"])
    kept = (await lin.get(f"/v1/sample-tubes/{told['id']}")).json()
    assert (kept["grid_id"], kept["site_session_id"]) == (home["grid_id"], held["id"])
    assert (await lin.get(f"/v1/site-sessions/{held['id']}/tally")).json()["named"] == 1


async def test_the_records_of_who_was_sampled_stay_closed_to_the_doctor_who_took_the_swab(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    """He may read health records, though not here: his shift opens the telling alone."""
    he = await on_duty(town, "he", held)
    home, person = await a_home(lin)
    resident = home["residents"][0]["id"]
    look_up = await a_look_up(he, held, person)
    told = (await he.post(tubes(held), json=tube_body(look_up))).json()
    test = told["members"][0]["test_id"]
    for path in (f"tests/{test}", f"sample-tubes/{told['id']}", f"residents/{resident}/standing"):
        assert_problem(await he.get(f"/v1/{path}"), NotFound)
    for path in ("tests", "sample-tubes"):
        listed = await he.get(f"/v1/{path}", params={"limit": 500})
        assert told["id"] not in listed.text
        assert test not in listed.text
    result = {"outcome": "positive", "reported_at": clock.now().isoformat()}
    address = f"/v1/sample-tubes/{told['id']}"
    assert_problem(await he.patch(address, json=result, headers={"If-Match": '"1"'}), NotFound)
    assert (await lin.patch(address, json=result, headers={"If-Match": '"1"'})).status_code == 200
    again = (await he.get(tubes(held))).json()["items"]
    assert "outcome" not in again[0]
    assert "outcome" not in again[0]["members"][0]


async def test_a_pool_of_two_villages_lies_where_all_in_it_are_seen(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    _, here = await a_home(lin)
    _, there = await a_home(await town.as_("wei"), "t.01.02.01")
    looked_up = [await a_look_up(qin, held, each) for each in (here, there)]
    tube = (await qin.post(tubes(held), json=tube_body(*looked_up))).json()
    assert len(tube["members"]) == 2
    assert_problem(await lin.get(f"/v1/sample-tubes/{tube['id']}"), NotFound)
    kept = await (await town.as_("li")).get(f"/v1/sample-tubes/{tube['id']}")
    assert (kept.status_code, kept.json()["grid_id"]) == (200, str(grid_id("t.01")))


async def test_a_dose_is_told_where_doses_are_given(
    town: Town, lin: httpx.AsyncClient, shots: dict[str, Any], held: dict[str, Any]
):
    qin = await on_duty(town, "qin", shots)
    home, person = await a_home(lin)
    resident = home["residents"][0]["id"]
    await a_vaccination(lin, resident)
    look_up = await a_look_up(qin, shots, person)
    assert (look_up["doses"], look_up["contraindicated"]) == (1, False)
    body = dose_body(look_up)
    first, again = [await qin.post(doses(shots), json=body) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    assert (await qin.get(doses(shots))).json()["items"] == [first.json()]
    assert resident not in first.text
    other = await qin.post(doses(shots), json=body | {"product": "另一种疫苗"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["product"]
    assert_problem(await qin.post(tubes(shots), json=tube_body(look_up)), OtherKindOfSite)
    kept = (await lin.get(f"/v1/vaccinations/{body['id']}")).json()
    assert (kept["resident_id"], kept["site_session_id"]) == (resident, shots["id"])
    assert (await lin.get(f"/v1/site-sessions/{shots['id']}/tally")).json()["named"] == 1


async def test_a_tube_sent_twice_at_the_same_moment_is_one_and_another_under_its_id_refused(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    looked_up = [await a_look_up(qin, held, (await a_home(lin))[1]) for _ in range(2)]
    body = tube_body(looked_up[0])
    answers = await asyncio.gather(*(qin.post(tubes(held), json=body) for _ in range(2)))
    assert sorted(each.status_code for each in answers) == [200, 201]
    assert answers[0].json() == answers[1].json()
    for change, field in (
        ({"pool_size": 20}, "pool_size"),
        ({"members": [body["members"][0] | {"look_up_id": looked_up[1]["id"]}]}, "members"),
    ):
        refused = await qin.post(tubes(held), json=body | change)
        assert assert_problem(refused, RecordDiffers)["fields"] == [field]


async def test_what_was_looked_up_serves_who_asked_at_that_session_alone(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    he = await on_duty(town, "he", held)
    _, person = await a_home(lin)
    look_up = await a_look_up(qin, held, person)
    refused = await he.post(tubes(held), json=tube_body(look_up))
    pointers = [each["pointer"] for each in assert_problem(refused, NotFound)["errors"]]
    assert pointers == ["/body/members/0/look_up_id"]
    other = await the_next(lin, {"id": held["site_id"]})
    assert_problem(await qin.post(tubes(other), json=tube_body(look_up)), NotFound)
    assert (await he.get(tubes(held))).json()["items"] == []


async def test_somebody_unknown_is_said_to_be_and_nothing_is_told_of_them(
    town: Town, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    look_up = await a_look_up(qin, held, somebody())
    assert (look_up["known"], look_up["name"]) == (False, None)
    assert_problem(await qin.post(tubes(held), json=tube_body(look_up)), NotFound)


async def test_the_one_above_does_as_much_without_a_shift(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    _, person = await a_home(lin)
    zhou = await town.as_("zhou")
    look_up = await a_look_up(zhou, held, person)
    tube = await zhou.post(tubes(held), json=tube_body(look_up))
    assert tube.status_code == 201, tube.text
    assert (await zhou.get(tubes(held))).json()["items"] == [tube.json()]
    assert (await lin.get(tubes(held))).json()["items"] == []


async def test_the_door_stays_open_half_a_day_after_the_shift_and_no_longer(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    _, person = await a_home(lin)
    look_up = await a_look_up(qin, held, person)
    body = tube_body(look_up)
    with time_machine.travel(clock.now() + timedelta(hours=14), tick=False):
        late = town.client(await town.token_of("qin"))
        made = await late.post(tubes(held), json=body)
        assert made.status_code == 201, made.text
        another = await late.post(tubes(held), json=tube_body(look_up))
        assert another.status_code == 201, another.text
    with time_machine.travel(clock.now() + timedelta(hours=18), tick=False):
        late = town.client(await town.token_of("qin"))
        assert (await late.post(tubes(held), json=body)).status_code == 200
        assert_problem(await late.post(tubes(held), json=tube_body(look_up)), LookUpOver)
    with time_machine.travel(clock.now() + timedelta(hours=21), tick=False):
        late = town.client(await town.token_of("qin"))
        for answer in (
            await late.get(tubes(held)),
            await late.post(tubes(held), json=body),
            await late.post("/v1/site-look-ups", json=ask(held, person)),
        ):
            assert_problem(answer, NotFound)


async def test_it_is_noted_where_the_person_lives(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    home, person = await a_home(lin)
    await a_look_up(qin, held, person)
    params = {"subject_id": home["residents"][0]["id"]}
    noted = await (await town.as_("zhou")).get("/v1/audit-entries", params=params)
    [entry] = [each for each in noted.json()["items"] if each["action"] == "sites.look-up"]
    assert entry["details"] == {"site_session_id": held["id"]}


async def test_what_cannot_be_is_refused(town: Town, lin: httpx.AsyncClient, held: dict[str, Any]):
    qin = await on_duty(town, "qin", held)
    _, person = await a_home(lin)
    look_up = await a_look_up(qin, held, person)
    again = await a_look_up(qin, held, person)
    early = (clock.now() - timedelta(days=1)).isoformat()
    for body, pointer in (
        (tube_body(look_up, sampled_at=early), "/body/sampled_at"),
        (tube_body(look_up, again), "/body/members/1/look_up_id"),
    ):
        refused = assert_problem(await qin.post(tubes(held), json=body), InvalidInput)
        assert [each["pointer"] for each in refused["errors"]] == [pointer]
    nobody = {"site_session_id": held["id"]}
    assert_problem(await qin.post("/v1/site-look-ups", json=nobody), InvalidInput)
    planned = await the_next(lin, {"id": held["site_id"]}, opened=False)
    asked = await qin.post("/v1/site-look-ups", json=ask(planned, person))
    assert_problem(asked, SessionNotSo)


async def test_one_who_searches_is_slowed_down_also_when_asking_all_at_once(
    town: Town, held: dict[str, Any]
):
    fan = await on_duty(town, "fan", held)
    bodies = [ask(held, somebody()) for _ in range(MOST + 5)]
    answers = await asyncio.gather(*(fan.post("/v1/site-look-ups", json=b) for b in bodies))
    assert sorted(each.status_code for each in answers) == [200] * MOST + [429] * 5
    slowed = next(each for each in answers if each.status_code == 429)
    assert_problem(slowed, TooMany)
    assert 0 < int(slowed.headers["Retry-After"]) <= WITHIN.total_seconds()
