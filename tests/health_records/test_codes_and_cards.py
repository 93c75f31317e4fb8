"""Health codes and travel cards as workers see them: kept once, in order, red told upward."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from api.arrivals.divisions import import_divisions
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
from api.health_records.problems import HealthRecordDiscarded
from api.settings import Settings
from tests.builders import (
    FOUR,
    a_code_state,
    a_quarantine,
    code_state_body,
    travel_card_body,
)
from tests.cast import Town, assert_problem, id_of
from tests.health_records.conftest import ago

CODES = "/v1/code-states"
CARDS = "/v1/travel-cards"


async def _import_divisions(settings: Settings) -> None:
    assert settings.owner_database_url is not None
    owner = await asyncpg.connect(settings.owner_database_url.get_secret_value())
    table = "code,name,parent\n990000,远岭省,\n990100,近江市,990000\n"
    await import_divisions(owner, table.encode(), dry_run=False)
    await owner.close()


async def ids(client: httpx.AsyncClient, path: str, **params: str) -> list[str]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def alerts(town: Town, person: str) -> list[str]:
    lin = await town.as_("lin")
    found = (await lin.get("/v1/alerts", params={"resident_id": person})).json()["items"]
    return [each["cause"] for each in found]


async def test_nobody_records_or_reads_codes_and_cards(town: Town, person: str):
    nobody = town.nobody()
    for path, body in ((CODES, code_state_body(person)), (CARDS, travel_card_body(person))):
        assert_problem(await nobody.get(path), NotSignedIn)
        assert_problem(await nobody.post(path, json=body), NotSignedIn)


async def test_the_neighbour_neither_records_nor_sees_a_code_or_a_card(town: Town, person: str):
    ming = await town.as_("ming")
    code = await a_code_state(ming, person)
    card = (await ming.post(CARDS, json=travel_card_body(person))).json()
    for neighbour in ("mei", "han", "he", "bai"):
        client = await town.as_(neighbour)
        for path, body, kept in (
            (CODES, code_state_body(person), code),
            (CARDS, travel_card_body(person), card),
        ):
            refused = assert_problem(await client.post(path, json=body), NotFound)
            assert refused["errors"][0]["pointer"] == "/body/resident_id"
            assert_problem(await client.get(f"{path}/{kept['id']}"), NotFound)
            assert await ids(client, path, resident_id=person) == []


async def test_a_volunteer_sees_no_codes_and_every_level_above_does(town: Town, person: str):
    code = await a_code_state(await town.as_("ming"), person, reason="七日内到过有疫情的县")
    ba = await town.as_("ba")
    assert_problem(await ba.get(CODES), NotPermitted)
    assert_problem(await ba.post(CODES, json=code_state_body(person)), NotPermitted)
    for name in ("ming", "lin", "li", "zhou"):
        answer = await (await town.as_(name)).get(f"{CODES}/{code['id']}")
        assert answer.headers["ETag"] == '"1"'
        assert answer.json() == code


async def test_the_doctor_of_the_next_village_sees_the_codes_of_whom_they_care_for(town: Town):
    kept = await a_quarantine(await town.as_("lin"), team=FOUR)
    he = await town.as_("he")
    code = await a_code_state(he, kept["resident_id"], state="yellow")
    assert await ids(he, CODES, resident_id=kept["resident_id"]) == [code["id"]]


async def test_what_a_worker_saw_is_manual_and_as_old_as_its_source_says(town: Town, person: str):
    ming = await town.as_("ming")
    seen = await a_code_state(
        ming, person, state="yellow", changed_at=ago(days=2), fetched_at=ago(hours=1)
    )
    assert (seen["system"], seen["event_id"], seen["valid_until"]) == ("manual", None, None)
    now = await a_code_state(ming, person)
    assert now["changed_at"] == now["fetched_at"] == now["recorded_at"]


async def test_a_red_code_is_told_upward_once_and_stays_told(town: Town, person: str):
    ming = await town.as_("ming")
    body = code_state_body(person, state="red")
    answers = await asyncio.gather(*(ming.post(CODES, json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert await alerts(town, person) == ["red_code"]
    await a_code_state(ming, person)
    assert await alerts(town, person) == ["red_code"]


async def test_the_history_of_a_code_is_read_whole_and_its_present_alone(town: Town, person: str):
    ming = await town.as_("ming")
    grey = await a_code_state(ming, person, state="grey")
    late = await a_code_state(ming, person, state="popup", changed_at=ago(days=3))
    away = await a_code_state(ming, person, state="unavailable")
    every = await ids(ming, CODES, resident_id=person)
    assert sorted(every) == sorted([grey["id"], late["id"], away["id"]])
    present = await ids(ming, CODES, resident_id=person, current="true")
    assert late["id"] not in present
    assert grey["id"] in present
    assert await ids(ming, CODES, resident_id=person, state="popup") == [late["id"]]
    first = (await ming.get(CODES, params={"resident_id": person, "limit": 2})).json()
    rest = await ids(ming, CODES, resident_id=person, cursor=first["next_cursor"])
    assert [each["id"] for each in first["items"]] + rest == every


async def test_a_state_entered_in_error_is_discarded_with_a_reason(town: Town, person: str):
    ming = await town.as_("ming")
    code = await a_code_state(ming, person, state="red")
    path, why = f"{CODES}/{code['id']}/discard", {"reason": "登记到了别人名下"}
    assert_problem(await ming.post(path, json=why), VersionMissing)
    assert_problem(await ming.post(path, json={}, headers={"If-Match": '"1"'}), InvalidInput)
    gone = await ming.post(path, json=why, headers={"If-Match": '"1"'})
    assert gone.json()["discarded_at"] is not None
    assert await ids(ming, CODES, resident_id=person) == []
    assert await ids(ming, CODES, resident_id=person, discarded="true") == [code["id"]]
    again = await ming.post(path, json=why, headers={"If-Match": '"2"'})
    assert_problem(again, HealthRecordDiscarded)
    assert await alerts(town, person) == ["red_code"]


async def _discarded(client: httpx.AsyncClient, code: dict[str, Any]) -> None:
    why, first = {"reason": "登记到了别人名下"}, {"If-Match": '"1"'}
    gone = await client.post(f"{CODES}/{code['id']}/discard", json=why, headers=first)
    assert gone.status_code == 200, gone.text


async def test_a_red_code_behind_one_that_is_discarded_is_told_upward_then(town: Town, person: str):
    ming = await town.as_("ming")
    yellow = await a_code_state(ming, person, state="yellow")
    green = await a_code_state(ming, person)
    await a_code_state(ming, person, state="red", changed_at=ago(hours=2), fetched_at=ago(hours=1))
    assert await alerts(town, person) == []
    await _discarded(ming, green)
    assert await alerts(town, person) == []
    await _discarded(ming, yellow)
    assert await alerts(town, person) == ["red_code"]


async def test_a_red_code_that_was_closed_for_a_green_one_told_wrong_is_told_upward_again(
    town: Town, person: str
):
    ming, lin, zhou = [await town.as_(each) for each in ("ming", "lin", "zhou")]
    await a_code_state(ming, person, state="red", changed_at=ago(hours=2), fetched_at=ago(hours=1))
    green = await a_code_state(ming, person)
    listed = (await lin.get("/v1/alerts?cause=red_code&limit=500")).json()["items"]
    [path] = [f"/v1/alerts/{each['id']}" for each in listed if each["resident_id"] == person]
    for client, step in ((lin, "acknowledge"), (lin, "handle"), (lin, "resolve"), (zhou, "verify")):
        done = await client.post(f"{path}/{step}", json={"note": "已转绿码"})
        assert done.status_code == 200, done.text
    await _discarded(ming, green)
    told = (await lin.get("/v1/alerts?cause=red_code&limit=500")).json()["items"]
    open_ones = [each for each in told if each["resident_id"] == person]
    assert sorted(each["status"] for each in open_ones) == ["open", "verified"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"state": "purple"}, "/body/state"),
        ({"state": None}, "/body/state"),
        ({"system": "guikangma"}, "/body/system"),
        ({"reason": "  "}, "/body/reason"),
        ({"reason": "弹窗\u0000"}, "/body/reason"),
        ({"changed_at": "昨天"}, "/body/changed_at"),
        ({"fetched_at": "2022-02-01T00:00:00Z", "changed_at": "2022-02-02T00:00:00Z"}, None),
    ],
)
async def test_a_wrong_code_is_pointed_at_and_nothing_is_kept(
    town: Town, person: str, change: dict[str, Any], pointer: str | None
):
    ming = await town.as_("ming")
    body = code_state_body(person) | change
    told = assert_problem(await ming.post(CODES, json=body), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == [pointer or "/body/changed_at"]
    assert_problem(await ming.get(f"{CODES}/{body['id']}"), NotFound)


async def test_a_code_from_the_future_is_refused(town: Town, person: str):
    ming = await town.as_("ming")
    for name in ("fetched_at", "changed_at", "recorded_at"):
        body = code_state_body(person) | {name: ago(hours=-2)}
        told = assert_problem(await ming.post(CODES, json=body), RecordedInTheFuture)
        assert told["errors"][0]["pointer"] == f"/body/{name}"


async def test_an_id_used_for_something_else_is_refused_and_a_repeat_is_no_news(
    town: Town, person: str
):
    ming = await town.as_("ming")
    body = code_state_body(person, state="yellow", reason="𠮷'; DROP TABLE code_states--")
    first = await ming.post(CODES, json=body)
    assert (await ming.post(CODES, json=body)).text == first.text
    told = assert_problem(
        await ming.post(CODES, json=body | {"state": "green", "reason": "无"}), RecordDiffers
    )
    assert told["fields"] == ["state", "reason"]


async def test_a_round_of_codes_and_cards_keeps_what_can_be_kept(town: Town, person: str):
    ming = await town.as_("ming")
    good, red = code_state_body(person), code_state_body(person, state="red")
    items = [good, red, code_state_body(str(new_id())), {**good, "id": str(new_id()), "state": "x"}]
    answer = (await ming.post(f"{CODES}/batch", json={"items": [*items, good]})).json()
    outcomes = [each["outcome"] for each in answer["items"]]
    assert outcomes == ["created", "created", "refused", "refused", "unchanged"]
    pointers = [each["problem"]["errors"][0]["pointer"] for each in answer["items"][2:4]]
    assert pointers == ["/body/items/2/resident_id", "/body/items/3/state"]
    cards = [travel_card_body(person), travel_card_body(person, colour="blue")]
    kept = (await ming.post(f"{CARDS}/batch", json={"items": cards})).json()
    assert [each["outcome"] for each in kept["items"]] == ["created", "refused"]


async def test_a_card_names_cities_and_only_divisions_that_there_are(
    town: Town, person: str, settings: Settings
):
    ming = await town.as_("ming")
    cities = [{"code": "990100", "name": "近江市", "at_risk": True}, {"name": "途经某市"}]
    body = travel_card_body(person, cities=cities)
    unchecked = travel_card_body(person, cities=cities)
    assert (await ming.post(CARDS, json=unchecked)).status_code == 201
    await _import_divisions(settings)
    nowhere = [*cities, {"code": "999999", "name": "无此地"}]
    refused = await ming.post(CARDS, json=body | {"cities": nowhere})
    told = assert_problem(refused, InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/cities/2/code"
    kept = await ming.post(CARDS, json=body)
    assert kept.status_code == 201, kept.text
    assert kept.json()["cities"][1] == {"code": None, "name": "途经某市", "at_risk": False}
    assert (await ming.get(f"{CARDS}/{body['id']}")).json() == kept.json()
    assert (await ming.post(CARDS, json=body)).status_code == 200
    other = assert_problem(await ming.post(CARDS, json=body | {"cities": []}), RecordDiffers)
    assert other["fields"] == ["cities"]


async def test_cards_are_narrowed_and_discarded(town: Town, person: str):
    ming = await town.as_("ming")
    seen = {"seen_at": "2022-02-15T09:00:00+08:00", "updated_at": "2022-02-15T08:00:00+08:00"}
    old = (await ming.post(CARDS, json=travel_card_body(person, **seen, colour="red"))).json()
    new = (await ming.post(CARDS, json=travel_card_body(person))).json()
    assert await ids(ming, CARDS, resident_id=person) == [new["id"], old["id"]]
    assert await ids(ming, CARDS, resident_id=person, colour="red") == [old["id"]]
    assert await ids(ming, CARDS, resident_id=person, day="2022-02-15") == [old["id"]]
    gone = await ming.post(
        f"{CARDS}/{old['id']}/discard", json={"reason": "看错了人"}, headers={"If-Match": '"1"'}
    )
    assert gone.status_code == 200, gone.text
    assert await ids(ming, CARDS, resident_id=person) == [new["id"]]


async def test_a_card_brought_up_to_date_after_it_was_seen_is_refused(town: Town, person: str):
    ming = await town.as_("ming")
    body = travel_card_body(person, seen_at=ago(hours=2))
    told = assert_problem(await ming.post(CARDS, json=body), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/updated_at"


async def test_a_colleague_may_be_named_and_a_stranger_may_not(town: Town, person: str):
    ming = await town.as_("ming")
    code = await a_code_state(ming, person, performed_by=str(id_of("mei")), source="phone")
    assert (code["performed_by"], code["entered_by"]) == (str(id_of("mei")), str(id_of("ming")))
    refused = await ming.post(CODES, json=code_state_body(person, performed_by=str(new_id())))
    assert refused.json()["errors"][0]["pointer"] == "/body/performed_by"
