"""A health code read wrong is put right: what it shows is told upward, or no more."""

import asyncio
from typing import Any

import httpx
import pytest

from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn, RecordDiffers
from api.health_records.problems import HealthRecordDiscarded, ToldByASystem
from tests.builders import (
    FOUR,
    a_code_state,
    a_household,
    a_quarantine,
    code_state_body,
    synthetic_resident,
)
from tests.cast import Town, assert_problem
from tests.health_records.conftest import ago
from tests.inbound.events import a_change, send
from tests.machines import a_machine

CODES = "/v1/code-states"
RED = {"state": "red", "reason": "录入时看错颜色"}


@pytest.fixture
async def code(ming: httpx.AsyncClient, person: str) -> dict[str, Any]:
    """Green, as it was seen an hour ago."""
    return await a_code_state(ming, person, fetched_at=ago(hours=1), reason="近七日无异常")


async def _correct(
    client: httpx.AsyncClient, code: dict[str, Any], change: dict[str, Any], version: int = 1
) -> httpx.Response:
    headers = {"If-Match": f'"{version}"'}
    return await client.patch(f"{CODES}/{code['id']}", json=change, headers=headers)


async def _shown(client: httpx.AsyncClient, person: str) -> list[tuple[str, bool]]:
    """The red codes that are evidence of an open alert, and whether each still shows it."""
    listed = await client.get("/v1/alerts", params={"resident_id": person, "cause": "red_code"})
    alerts = [each["id"] for each in listed.json()["items"] if each["status"] != "verified"]
    told = [(await client.get(f"/v1/alerts/{each}")).json()["evidence"] for each in alerts]
    return [(each["record_id"], each["discarded_at"] is None) for some in told for each in some]


async def test_a_code_that_was_red_after_all_is_told_upward_and_its_former_version_stays(
    ming: httpx.AsyncClient, code: dict[str, Any], person: str
):
    right = await _correct(ming, code, RED)
    assert right.status_code == 200, right.text
    assert right.headers["ETag"] == '"2"'
    assert right.json() == code | {"state": "red", "version": 2}
    assert await _shown(ming, person) == [(code["id"], True)]
    [former] = (await ming.get(f"{CODES}/{code['id']}/history")).json()["items"]
    assert former["code_state"] == code
    assert former["reason"] == RED["reason"]


async def test_a_code_that_was_not_red_after_all_shows_no_more_and_red_again_it_does(
    ming: httpx.AsyncClient, person: str
):
    code = await a_code_state(ming, person, state="red")
    await _correct(ming, code, {"state": "yellow", "reason": "看错颜色"})
    assert await _shown(ming, person) == [(code["id"], False)]
    await _correct(ming, code, RED, version=2)
    assert (code["id"], True) in await _shown(ming, person)


async def test_a_red_code_behind_one_that_is_put_before_it_is_told_upward_then(
    ming: httpx.AsyncClient, person: str
):
    green = await a_code_state(ming, person)
    seen = {"changed_at": ago(hours=3), "fetched_at": ago(hours=2)}
    red = await a_code_state(ming, person, state="red", **seen)
    assert await _shown(ming, person) == []
    moved = await _correct(ming, green, {"fetched_at": ago(hours=4), "reason": "记错时间"})
    assert moved.json()["changed_at"] == moved.json()["fetched_at"]
    assert await _shown(ming, person) == [(red["id"], True)]


async def test_a_red_code_of_which_only_the_time_was_wrong_alarms_nobody_anew(
    ming: httpx.AsyncClient, lin: httpx.AsyncClient, person: str
):
    code = await a_code_state(ming, person, state="red", fetched_at=ago(hours=1))
    listed = (await lin.get("/v1/alerts", params={"resident_id": person})).json()["items"]
    [alert] = [each["id"] for each in listed]
    await lin.post(f"/v1/alerts/{alert}/acknowledge")
    await _correct(ming, code, {"fetched_at": ago(hours=2), "reason": "记错时间"})
    listed = (await lin.get("/v1/alerts", params={"resident_id": person})).json()["items"]
    assert [(each["id"], each["status"]) for each in listed] == [(alert, "acknowledged")]


async def test_who_may_correct_a_code(town: Town, code: dict[str, Any]):
    assert_problem(await _correct(town.nobody(), code, RED), NotSignedIn)
    assert_problem(await _correct(await town.as_("ba"), code, RED), NotPermitted)
    for neighbour in ("mei", "han", "he", "wei", "bai"):
        client = await town.as_(neighbour)
        assert_problem(await _correct(client, code, RED), NotFound)
        assert_problem(await client.get(f"{CODES}/{code['id']}/history"), NotFound)
    kept = await a_quarantine(await town.as_("lin"), team=FOUR)
    he = await town.as_("he")
    seen = await a_code_state(he, kept["resident_id"])
    assert (await _correct(he, seen, RED)).status_code == 200
    [former] = (await he.get(f"{CODES}/{seen['id']}/history")).json()["items"]
    assert former["code_state"] == seen


async def test_of_two_at_once_one_corrects_and_what_is_sent_again_is_no_news(
    ming: httpx.AsyncClient, person: str
):
    body = code_state_body(person)
    code = (await ming.post(CODES, json=body)).json()
    yellow = {"state": "yellow", "reason": "看错颜色"}
    both = await asyncio.gather(*(_correct(ming, code, each) for each in (RED, yellow)))
    assert sorted(each.status_code for each in both) == [200, 412]
    assert (await ming.post(CODES, json=body)).status_code == 200
    other = await ming.post(CODES, json=body | {"state": "grey"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["state"]


async def test_what_a_system_told_is_not_corrected_by_hand(town: Town, ming: httpx.AsyncClient):
    person = synthetic_resident(relation="head")
    await a_household(await town.as_("lin"), grid="t.01.01.01", residents=[person])
    async with await a_machine(town, "health_codes:write") as machine:
        await send(machine, "/v1/health-codes/changes", [a_change(person, "yellow")])
    [told] = (await ming.get(CODES, params={"resident_id": person["id"]})).json()["items"]
    assert_problem(await _correct(ming, told, RED), ToldByASystem)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"state": "red"}, "/body/reason"),
        ({"reason": "无"}, "/body"),
        ({"state": None, "reason": "误填"}, "/body/state"),
        ({"state": "blue", "reason": "误填"}, "/body/state"),
        ({"system": "guangxi", "reason": "误填"}, "/body/system"),
        ({"resident_id": "x", "reason": "换人"}, "/body/resident_id"),
        ({"changed_at": ago(hours=0.5), "reason": "误填"}, "/body/changed_at"),
        ({"fetched_at": "1970-01-01T08:00:00+08:00", "reason": "误填"}, "/body/fetched_at"),
    ],
)
async def test_a_wrong_correction_is_pointed_at_and_changes_nothing(
    ming: httpx.AsyncClient, code: dict[str, Any], change: dict[str, Any], pointer: str
):
    told = assert_problem(await _correct(ming, code, change), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert (await ming.get(f"{CODES}/{code['id']}")).json() == code


async def test_a_code_is_not_put_into_the_future_nor_corrected_once_it_is_discarded(
    ming: httpx.AsyncClient, code: dict[str, Any]
):
    for name in ("changed_at", "fetched_at"):
        told = await _correct(ming, code, {name: ago(hours=-2), "reason": "误填"})
        assert_problem(told, RecordedInTheFuture)
    path, headers = f"{CODES}/{code['id']}/discard", {"If-Match": '"1"'}
    assert (await ming.post(path, json={"reason": "看错了人"}, headers=headers)).is_success
    assert_problem(await _correct(ming, code, RED, version=2), HealthRecordDiscarded)
