"""What waits for whom beside the timetable: alerts, directives, movements, decisions, arrivals."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from api.access.permissions import Role
from api.app import create_app
from api.duties.telling import ELSEWHERE, PATHS
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.records import new_id
from api.settings import Settings
from tests.builders import a_household, a_quarantine, an_arrival
from tests.cast import TOWNSHIP, Town, grid_id, id_of
from tests.duties.scenery import done, duties_of, my_day, only_stage, waiting
from tests.quarantines.plans import a_planned_quarantine, sampled, the_ninth_edition
from tests.readings.conftest import at, reading_body, signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


@pytest.fixture
async def person(wei: httpx.AsyncClient, owner: Database) -> dict[str, Any]:
    somebody = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, somebody)
    return somebody


async def test_an_alert_waits_for_whom_it_was_told_then_for_who_answers_then_for_another(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient
):
    han = await signed_in(town, "han")
    await done(han, "/v1/readings", reading_body(person, value_c=38.4))
    [alert] = (await wei.get("/v1/alerts", params={"quarantine_id": person["id"]})).json()["items"]
    path = f"/v1/alerts/{alert['id']}"
    assert await waiting(town, "alert", alert["id"]) == {"wei": "acknowledge"}
    await done(wei, f"{path}/acknowledge")
    assert await waiting(town, "alert", alert["id"]) == {"wei": "handle"}
    await done(wei, f"{path}/handle", {"note": "已通知村医"})
    assert await waiting(town, "alert", alert["id"]) == {"wei": "resolve"}
    await done(wei, f"{path}/resolve", {"note": "复测正常"})
    assert await waiting(town, "alert", alert["id"]) == {"li": "verify"}
    await done(await signed_in(town, "li"), f"{path}/verify", {"note": "属实"})
    assert await waiting(town, "alert", alert["id"]) == {}


async def test_who_handled_an_alert_does_not_keep_it_from_the_next_who_may_verify_it(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient
):
    han = await signed_in(town, "han")
    await done(han, "/v1/readings", reading_body(person, value_c=38.4))
    [alert] = (await wei.get("/v1/alerts", params={"quarantine_id": person["id"]})).json()["items"]
    path = f"/v1/alerts/{alert['id']}"
    await done(han, f"{path}/acknowledge")
    await done(wei, f"{path}/handle", {})
    await done(han, f"{path}/resolve", {"note": "复测正常"})
    assert await waiting(town, "alert", alert["id"]) == {"li": "verify"}


async def test_an_alert_in_hand_of_one_who_serves_there_no_more_waits_for_the_nearest(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient
):
    han, zhou = await signed_in(town, "han"), await signed_in(town, "zhou")
    post, mei = new_id(), id_of("mei")
    told = {"worker_id": str(mei), "grid_id": str(grid_id(HAN)), "role": "grid_worker"}
    await done(zhou, "/v1/posts", {"id": str(post), **told})
    there = await town.token_at(mei, TOWNSHIP, post, grid_id(HAN), 4, Role.grid_worker)
    await done(han, "/v1/readings", reading_body(person, value_c=38.4))
    [alert] = (await wei.get("/v1/alerts", params={"quarantine_id": person["id"]})).json()["items"]
    path = f"/v1/alerts/{alert['id']}"
    async with town.client(there) as client:
        await done(client, f"{path}/acknowledge")
    assert await waiting(town, "alert", alert["id"]) == {}
    await done(zhou, f"/v1/posts/{post}/end", {"reason": "调离"})
    assert await waiting(town, "alert", alert["id"]) == {"wei": "handle"}
    await done(zhou, f"{path}/handle", {})
    assert await waiting(town, "alert", alert["id"]) == {"zhou": "resolve"}


async def test_an_alert_told_last_to_one_who_serves_there_no_more_waits_for_the_nearest(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient, owner: Database
):
    han = await signed_in(town, "han")
    await done(han, "/v1/readings", reading_body(person, value_c=38.4))
    [alert] = (await wei.get("/v1/alerts", params={"quarantine_id": person["id"]})).json()["items"]
    post, mei = new_id(), id_of("mei")
    told = {"worker_id": str(mei), "grid_id": str(grid_id("t")), "role": "medic"}
    zhou = await signed_in(town, "zhou")
    await done(zhou, "/v1/posts", {"id": str(post), **told})
    async with owner.session(Entry.for_the_house(TOWNSHIP)) as session:
        here = {"alert": alert["id"], "post": post, "mei": mei}
        last = "UPDATE alerts SET climbs_at = NULL WHERE id = :alert"
        only = "UPDATE alert_tellings SET post_id = :post, worker_id = :mei WHERE alert_id = :alert"
        await session.execute(text(last), {"alert": alert["id"]})
        await session.execute(text(only), here)
        await session.commit()
    assert await waiting(town, "alert", alert["id"]) == {}
    await done(zhou, f"/v1/posts/{post}/end", {"reason": "调离"})
    assert await waiting(town, "alert", alert["id"]) == {"wei": "acknowledge"}
    await done(wei, f"/v1/alerts/{alert['id']}/acknowledge")
    assert await waiting(town, "alert", alert["id"]) == {"wei": "handle"}


async def test_an_alert_about_nobody_says_which_home_or_which_grid(
    town: Town, wei: httpx.AsyncClient
):
    home = await a_household(wei, grid=HAN)
    told = [{"household_id": home["id"], "note": "夜里有人敲门"}, {"grid_id": str(grid_id(HAN))}]
    for each in told:
        await done(await signed_in(town, "han"), "/v1/alerts", {"id": str(new_id()), **each})
    stops = (await my_day(town, "wei"))["stops"]
    whats = {duty["what"] for stop in stops for duty in stop["duties"] if duty["kind"] == "alert"}
    grid = (await wei.get(f"/v1/grids/{grid_id(HAN)}")).json()
    assert whats >= {f"响应人工上报：{home['name']}", f"响应人工上报：{grid['name']}"}


async def test_a_directive_waits_for_the_posts_it_went_to_until_they_have_answered(town: Town):
    zhou, han = await signed_in(town, "zhou"), await signed_in(town, "han")
    body = {
        "id": str(new_id()),
        "grid_id": str(grid_id("t.01.02")),
        "title": "返乡人员再排查",
        "body": "逐户反馈人数。",
        "levels": [],
        "roles": ["grid_worker"],
        "deadline_at": at(18).isoformat(),
        "needs_report": True,
    }
    await done(zhou, "/v1/directives", body)
    path = f"/v1/directives/{body['id']}"
    assert await waiting(town, "directive", body["id"]) == {"han": "acknowledge"}
    await done(han, f"{path}/acknowledge", {})
    assert await waiting(town, "directive", body["id"]) == {"han": "report"}
    await done(han, f"{path}/report", {"report": "共3户5人"})
    assert await waiting(town, "directive", body["id"]) == {}


async def test_a_transfer_waits_for_the_village_to_decide_and_for_the_grid_to_bring_them(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient
):
    han = await signed_in(town, "han")
    told = {"kind": "to_site", "reason": "家中没有独立卫生间", "destination": "县职校隔离点"}
    body = {"id": str(new_id()), **told}
    await done(han, f"/v1/quarantines/{person['id']}/transfers", body)
    path = f"/v1/transfers/{body['id']}"
    assert await waiting(town, "transfer", body["id"]) == {"wei": "approve"}
    await done(wei, f"{path}/approve")
    assert await waiting(town, "transfer", body["id"]) == {"wei": "dispatch"}
    await done(
        wei, f"{path}/dispatch", {"vehicle": "dedicated", "plate": "桂F12345", "driver": "莫"}
    )
    assert await waiting(town, "transfer", body["id"]) == {"han": "pick-up"}
    await done(han, f"{path}/pick-up", {"check_c": 36.6, "check_symptoms": []})
    assert await waiting(town, "transfer", body["id"]) == {"han": "hand-over"}
    await done(han, f"{path}/hand-over", {"taken_over_by": "覃护士"})
    assert await waiting(town, "transfer", body["id"]) == {"han": "close"}


async def test_who_asked_does_not_decide_so_it_waits_for_the_next_above(
    town: Town, wei: httpx.AsyncClient, morning: Any
):
    person = await a_quarantine(wei, grid=HAN)
    told = {
        "reason": "每周两次透析",
        "route": "家—县医院，专车闭环接送",
        "from_at": at(9).isoformat(),
        "until_at": at(13).isoformat(),
    }
    asked = {"id": str(new_id()), **told}
    path = f"/v1/quarantines/{person['id']}/leaves"
    allowed = await wei.post(path, json=asked)
    assert allowed.status_code == 201, allowed.text
    assert await waiting(town, "leave", asked["id"]) == {"li": "approve"}
    await done(await signed_in(town, "li"), f"/v1/leaves/{asked['id']}/approve", {})
    assert await waiting(town, "leave", asked["id"]) == {"han": "out"}
    morning.move_to(at(9, 5))
    han = await signed_in(town, "han")
    await done(han, f"/v1/leaves/{asked['id']}/out", {})
    assert await waiting(town, "leave", asked["id"]) == {"han": "back"}


_ASKED = """
    INSERT INTO stage_changes (id, version, reach, recorded_at, received_at, performed_by,
        entered_by, source, quarantine_id, kind, reason, legal_basis, status)
    SELECT $1, 1, q.reach, $2, $2, $3, $4, 'paper', q.id, 'early_end', '复核后提前', '第三条',
        'requested' FROM quarantines AS q WHERE q.id = $5
"""


@pytest.mark.parametrize(("asks", "enters", "who"), [("han", "han", "wei"), ("wei", "han", "li")])
async def test_a_change_of_stages_waits_for_somebody_else(
    town: Town, person: dict[str, Any], owner: Database, asks: str, enters: str, who: str
):
    change = new_id()
    said = change, clock.now(), id_of(asks), id_of(enters), person["id"]
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        await connection.execute(_ASKED, *said)
    assert await waiting(town, "change", str(change)) == {who: "approve"}


async def test_a_release_waits_for_whom_the_plan_names_and_not_for_the_village(
    town: Town, wei: httpx.AsyncClient
):
    protocol = await the_ninth_edition(town)
    kept = await a_planned_quarantine(town, protocol, by="wei", grid=HAN)
    assert await waiting(town, "release", kept["id"]) == {}, "its tests have not been taken"
    assert ("test", "due") in duties_of(await my_day(town, "han"), kept["resident_id"])
    await sampled(wei, kept, 1, 4)
    [last] = await sampled(wei, kept, 7, outcome="pending")
    assert await waiting(town, "release", kept["id"]) == {}, "a result is awaited"
    path = f"/v1/tests/{last['id']}"
    told = {"outcome": "negative"}
    corrected = await wei.patch(path, json=told, headers={"If-Match": '"1"'})
    assert corrected.status_code == 200, corrected.text
    by_plan = await waiting(town, "release", kept["id"])
    approver = (await wei.get(f"/v1/quarantines/{kept['id']}/release")).json()["approver"]
    holders = {"wei": 3, "zhou": 1}
    named = [name for name, level in holders.items() if level <= approver["max_level"]]
    assert by_plan == {named[0]: "release"}


async def test_an_expected_person_is_looked_for_on_the_day_and_the_measure_is_decided(
    town: Town, wei: httpx.AsyncClient, morning: Any
):
    home = await a_household(wei, grid=HAN)
    body = {
        "id": str(new_id()),
        "household_id": home["id"],
        "name": "覃𠮷祥",
        "expected_on": at(0, days=1).date().isoformat(),
        "exposure_class": "close_contact",
        "last_exposure_on": at(0, days=-1).date().isoformat(),
    }
    await done(await signed_in(town, "han"), "/v1/arrivals", body)
    assert await waiting(town, "arrival", body["id"]) == {}
    morning.move_to(at(9, days=1))
    assert await waiting(town, "arrival", body["id"]) == {"han": "arrive"}
    han = await signed_in(town, "han")
    await done(han, f"/v1/arrivals/{body['id']}/arrive", {"arrived_at": at(8, days=1).isoformat()})
    assert await waiting(town, "arrival", body["id"]) == {"han": "verify"}
    known = {"resident_id": home["residents"][0]["id"]}
    await done(han, f"/v1/arrivals/{body['id']}/verify", known)
    assert await waiting(town, "arrival", body["id"]) == {"wei": "confirm"}


async def test_who_comes_to_a_grid_without_a_worker_is_looked_for_by_the_nearest_above(
    town: Town, wei: httpx.AsyncClient, morning: Any
):
    told = {"id": str(new_id()), "parent_id": str(grid_id("t.01.02")), "kind": "basic"}
    await done(await signed_in(town, "gu"), "/v1/grids", {**told, "name": "榕村二组"})
    home = await a_household(wei, grid=UUID(told["id"]))
    comes = await an_arrival(wei, home, expected_on=at(0).date().isoformat())
    assert await waiting(town, "arrival", comes["id"]) == {"wei": "arrive"}
    await done(wei, f"/v1/arrivals/{comes['id']}/arrive", {"arrived_at": at(8).isoformat()})
    assert await waiting(town, "arrival", comes["id"]) == {"wei": "verify"}
    post = {"worker_id": str(id_of("qin")), "grid_id": told["id"], "role": "grid_worker"}
    await done(await signed_in(town, "gu"), "/v1/posts", {"id": str(new_id()), **post})
    assert await waiting(town, "arrival", comes["id"]) == {}


async def test_a_released_person_is_asked_after_on_the_days_the_plan_names(
    town: Town, person: dict[str, Any], owner: Database, morning: Any
):
    released = """
        WITH over AS (
            UPDATE quarantines SET status = 'released', ended_on = $2::date,
                end_reason = 'completed' WHERE id = $1
            RETURNING *
        )
        INSERT INTO releases (id, version, reach, quarantine_id, resident_id, grid_id, number,
            released_on, approved_at, approved_by, approver_post, conditions, follow_up_days,
            notice_sealed)
        SELECT $3, 1, reach, id, resident_id, grid_id, '1', $2::date, $4, $5, $5, '[]', '{1,3}', ''
        FROM over
    """
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        told = (person["id"], at(0).date(), new_id(), clock.now(), id_of("wei"))
        await connection.execute(released, *told)
    assert await waiting(town, "follow_up", person["resident_id"]) == {}
    morning.move_to(at(9, days=1))
    assert await waiting(town, "follow_up", person["resident_id"]) == {"han": "calls"}
    han = await signed_in(town, "han")
    call = {"id": str(new_id()), "kind": "follow_up", "outcome": "reached"}
    await done(han, f"/v1/quarantines/{person['id']}/calls", call)
    assert await waiting(town, "follow_up", person["resident_id"]) == {}
    morning.move_to(at(9) + timedelta(days=5))
    assert await waiting(town, "follow_up", person["resident_id"]) == {"han": "calls"}


def test_every_duty_is_reported_where_the_contract_has_a_verb(settings: Settings):
    paths = create_app(settings).openapi()["paths"]
    posts = {re.sub(r"\{[a-z_]+\}", "*", path) for path, verbs in paths.items() if "post" in verbs}
    acts = {
        "alert": ("acknowledge", "handle", "resolve", "verify"),
        "directive": ("acknowledge", "report"),
        "transfer": ("approve", "dispatch", "pick-up", "hand-over", "close"),
        "leave": ("approve", "out", "back"),
        "errand": ("accept", "deliver", "confirm", "assign"),
        "change": ("approve",),
        "arrival": ("arrive", "verify", "confirm"),
        "lead": ("attempts", "review"),
    }
    asked = {
        re.sub(r"\{[a-z_]+\}", "*", path.replace("{act}", act))
        for kind, path in PATHS.items()
        for act in acts.get(kind, ("",))
    } | {re.sub(r"\{[a-z_]+\}", "*", path.partition("?")[0]) for path in ELSEWHERE.values()}
    assert asked <= posts, asked - posts
