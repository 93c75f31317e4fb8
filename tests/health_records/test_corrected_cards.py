"""A travel card that was told wrong is put right, and what was said of it before stays."""

import asyncio
from typing import Any

import httpx
import pytest

from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.health_records.problems import HealthRecordDiscarded
from tests.builders import FOUR, a_quarantine, travel_card_body
from tests.cast import Town, assert_problem
from tests.health_records.conftest import ago

CARDS = "/v1/travel-cards"
YELLOW = {"colour": "yellow", "reason": "录入时看错颜色"}


@pytest.fixture
async def card(ming: httpx.AsyncClient, person: str) -> dict[str, Any]:
    """Seen an hour ago, as it was then."""
    seen = {"seen_at": ago(hours=1), "updated_at": ago(hours=2)}
    return (await ming.post(CARDS, json=travel_card_body(person, **seen))).json()


async def _correct(
    client: httpx.AsyncClient, card: dict[str, Any], change: dict[str, Any], version: int = 1
) -> httpx.Response:
    headers = {"If-Match": f'"{version}"'}
    return await client.patch(f"{CARDS}/{card['id']}", json=change, headers=headers)


async def test_a_card_is_put_right_and_its_former_version_stays(
    town: Town, ming: httpx.AsyncClient, card: dict[str, Any]
):
    cities = [{"name": "近江市", "at_risk": True}]
    right = await _correct(ming, card, {**YELLOW, "cities": cities, "window_days": 7})
    assert right.status_code == 200, right.text
    assert right.headers["ETag"] == '"2"'
    now = right.json()
    assert now["cities"] == [{"code": None, "name": "近江市", "at_risk": True}]
    changed = {"colour": "yellow", "window_days": 7, "version": 2, "cities": now["cities"]}
    assert now == {**card, **changed}
    lin = await town.as_("lin")
    assert (await lin.get(f"{CARDS}/{card['id']}")).json() == now
    [former] = (await lin.get(f"{CARDS}/{card['id']}/history")).json()["items"]
    assert (former["card"], former["reason"]) == (card, YELLOW["reason"])
    listed = await lin.get(CARDS, params={"resident_id": card["resident_id"], "colour": "yellow"})
    assert [each["id"] for each in listed.json()["items"]] == [card["id"]]


async def test_a_card_is_corrected_from_the_version_that_stands(
    ming: httpx.AsyncClient, card: dict[str, Any]
):
    assert_problem(await ming.patch(f"{CARDS}/{card['id']}", json=YELLOW), VersionMissing)
    both = await asyncio.gather(*(_correct(ming, card, YELLOW) for _ in range(2)))
    assert sorted(each.status_code for each in both) == [200, 412]
    stale = await _correct(ming, card, YELLOW)
    assert assert_problem(stale, VersionMismatch)["version"] == 2


async def test_nobody_no_volunteer_and_no_neighbour_corrects_a_card(
    town: Town, card: dict[str, Any]
):
    assert_problem(await _correct(town.nobody(), card, YELLOW), NotSignedIn)
    assert_problem(await _correct(await town.as_("ba"), card, YELLOW), NotPermitted)
    for neighbour in ("mei", "han", "he", "wei", "bai"):
        client = await town.as_(neighbour)
        assert_problem(await _correct(client, card, YELLOW), NotFound)
        assert_problem(await client.get(f"{CARDS}/{card['id']}/history"), NotFound)


async def test_the_doctor_with_a_seat_corrects_reads_the_history_and_may_send_again(town: Town):
    kept = await a_quarantine(await town.as_("lin"), team=FOUR)
    he, body = await town.as_("he"), travel_card_body(kept["resident_id"])
    card = (await he.post(CARDS, json=body)).json()
    assert (await _correct(he, card, YELLOW)).status_code == 200
    [former] = (await he.get(f"{CARDS}/{card['id']}/history")).json()["items"]
    assert former["card"] == card
    assert (await he.post(CARDS, json=body)).json()["version"] == 2


async def test_what_is_sent_again_after_a_correction_is_no_news(
    ming: httpx.AsyncClient, person: str
):
    body = travel_card_body(person)
    card = (await ming.post(CARDS, json=body)).json()
    await _correct(ming, card, YELLOW)
    again = await ming.post(CARDS, json=body)
    assert (again.status_code, again.json()["colour"]) == (200, "yellow")
    other = await ming.post(CARDS, json={**body, "colour": "yellow"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["colour"]
    items = {"items": [body, {**body, "window_days": 7}]}
    batch = (await ming.post(f"{CARDS}/batch", json=items)).json()
    assert [each["outcome"] for each in batch["items"]] == ["unchanged", "refused"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"colour": "red"}, "/body/reason"),
        ({"reason": "无"}, "/body"),
        ({"colour": None, "reason": "误填"}, "/body/colour"),
        ({"colour": "blue", "reason": "误填"}, "/body/colour"),
        ({"window_days": 29, "reason": "误填"}, "/body/window_days"),
        ({"cities": None, "reason": "误填"}, "/body/cities"),
        ({"cities": [{"name": ""}], "reason": "误填"}, "/body/cities/0/name"),
        ({"resident_id": "x", "reason": "换人"}, "/body/resident_id"),
        ({"updated_at": ago(hours=0.5), "reason": "误填"}, "/body/updated_at"),
        ({"seen_at": ago(hours=3), "reason": "误填"}, "/body/seen_at"),
    ],
)
async def test_a_wrong_correction_is_pointed_at_and_changes_nothing(
    ming: httpx.AsyncClient, card: dict[str, Any], change: dict[str, Any], pointer: str
):
    told = assert_problem(await _correct(ming, card, change), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert (await ming.get(f"{CARDS}/{card['id']}")).json() == card
    assert (await ming.get(f"{CARDS}/{card['id']}/history")).json()["items"] == []


async def test_a_card_is_not_put_into_the_future(ming: httpx.AsyncClient, card: dict[str, Any]):
    for name in ("seen_at", "updated_at"):
        told = await _correct(ming, card, {name: ago(hours=-2), "reason": "误填"})
        pointers = [each["pointer"] for each in assert_problem(told, RecordedInTheFuture)["errors"]]
        assert pointers == [f"/body/{name}"]


async def test_a_discarded_card_is_corrected_no_more(ming: httpx.AsyncClient, card: dict[str, Any]):
    path, headers = f"{CARDS}/{card['id']}/discard", {"If-Match": '"1"'}
    assert (await ming.post(path, json={"reason": "看错了人"}, headers=headers)).is_success
    assert_problem(await _correct(ming, card, YELLOW, version=2), HealthRecordDiscarded)
