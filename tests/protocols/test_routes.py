"""Policies over HTTP: who may read and make them, and how revisions follow one another."""

import asyncio
from datetime import date
from typing import Any

import pytest

from api.access.caller import entry_of
from api.foundation.database import Entry
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.protocols.models import CareTeamPolicy, MonitoringPolicy
from api.protocols.problems import NoPolicyInForce, PolicyOutOfOrder
from api.protocols.queries import FOUR_TO_ONE, TWICE_DAILY, PolicyShelf, current
from tests.cast import TOWNSHIP, Town, assert_problem

CARE = "/v1/care-team-policies"
MONITORING = "/v1/monitoring-policies"


def five_to_one(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "code": "five_to_one",
        "name": "五包一",
        "legal_basis": "青竹乡防控指挥部〔2022〕3号",
        "effective_from": "2022-02-10",
        "size": 5,
        "min_party_members": 1,
        "role_minima": {"village_doctor": 1},
    } | changes


def three_times(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "code": "three_times_daily",
        "name": "每日三次测温",
        "legal_basis": "青竹乡防控指挥部〔2022〕3号",
        "effective_from": "2022-02-10",
        "windows": [
            {"name": "morning", "label": "早", "opens": "06:00", "closes": "09:00"},
            {"name": "noon", "label": "中", "opens": "11:30", "closes": "14:00"},
            {"name": "evening", "label": "晚", "opens": "17:00", "closes": "21:00"},
        ],
        "fever_threshold_c": 37.3,
        "comparator": "gte",
        "low_threshold_c": 35.0,
        "exempt_whereabouts": ["in_hospital"],
    } | changes


@pytest.mark.parametrize("address", [CARE, MONITORING])
async def test_nobody_reads_no_policies(town: Town, address: str):
    assert_problem(await town.nobody().get(address), NotSignedIn)


async def test_a_grid_worker_reads_policies_and_makes_none(town: Town):
    ming = await town.as_("ming")
    assert (await ming.get(CARE)).status_code == 200
    assert_problem(await ming.post(CARE, json=five_to_one()), NotPermitted)
    assert_problem(await ming.post(MONITORING, json=three_times()), NotPermitted)


async def test_a_new_township_begins_with_four_to_one_and_two_temperatures_a_day(town: Town):
    ming = await town.as_("ming")
    care = (await ming.get(CARE, params={"code": FOUR_TO_ONE})).json()["items"]
    assert [(each["revision"], each["size"], each["min_party_members"]) for each in care] == [
        (1, 4, 1)
    ]
    (monitoring,) = (await ming.get(MONITORING, params={"code": TWICE_DAILY})).json()["items"]
    assert [(each["name"], each["opens"], each["closes"]) for each in monitoring["windows"]] == [
        ("morning", "06:00", "11:00"),
        ("evening", "15:00", "21:00"),
    ]
    assert monitoring["fever_threshold_c"] == 37.3
    one = await ming.get(f"{MONITORING}/{monitoring['id']}")
    assert one.json() == monitoring


async def test_a_policy_of_another_township_is_not_found(town: Town):
    zhou, bai = await town.as_("zhou"), await town.as_("bai")
    policy = five_to_one(code="of_qingzhu")
    assert (await zhou.post(CARE, json=policy)).status_code == 201
    assert_problem(await bai.get(f"{CARE}/{policy['id']}"), NotFound)
    assert (await bai.get(CARE, params={"code": "of_qingzhu"})).json()["items"] == []


async def test_the_next_revision_ends_the_former_the_day_before_and_leaves_it_as_it_was(town: Town):
    zhou = await town.as_("zhou")
    first, second = five_to_one(), five_to_one(effective_from="2022-03-01", size=6)
    assert (await zhou.post(CARE, json=first)).status_code == 201
    made = await zhou.post(CARE, json=second)
    assert made.status_code == 201
    assert made.headers["Location"] == f"{CARE}/{second['id']}"
    assert (made.json()["revision"], made.json()["effective_to"]) == (2, None)
    former = (await zhou.get(f"{CARE}/{first['id']}")).json()
    assert (former["revision"], former["size"]) == (1, 5)
    assert former["effective_to"] == "2022-02-28"


async def test_the_same_policy_sent_again_is_no_news_and_another_body_differs(town: Town):
    zhou = await town.as_("zhou")
    first = three_times(code="again")
    assert (await zhou.post(MONITORING, json=first)).status_code == 201
    later = three_times(code="again", effective_from="2022-03-01")
    assert (await zhou.post(MONITORING, json=later)).status_code == 201
    again = await zhou.post(MONITORING, json=first)
    assert again.status_code == 200
    assert again.json()["effective_to"] == "2022-02-28"
    other = await zhou.post(MONITORING, json=first | {"windows": first["windows"][:2]})
    assert assert_problem(other, RecordDiffers)["fields"] == ["windows"]
    care = five_to_one(code="care_again")
    assert (await zhou.post(CARE, json=care)).status_code == 201
    assert (await zhou.post(CARE, json=care)).status_code == 200


async def test_a_revision_does_not_take_effect_before_the_one_it_follows(town: Town):
    zhou = await town.as_("zhou")
    assert (await zhou.post(CARE, json=five_to_one(code="in_order"))).status_code == 201
    for day in ("2022-02-10", "2022-02-01"):
        earlier = five_to_one(code="in_order", effective_from=day)
        told = assert_problem(await zhou.post(CARE, json=earlier), PolicyOutOfOrder)
        assert told["errors"][0]["pointer"] == "/body/effective_from"


async def test_a_revision_sent_twice_at_the_same_moment_is_one_revision(town: Town):
    zhou = await town.as_("zhou")
    for day in ("2022-02-10", "2022-03-01"):
        policy = three_times(code="twice_at_once", effective_from=day)
        answers = await asyncio.gather(*(zhou.post(MONITORING, json=policy) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    listed = (await zhou.get(MONITORING, params={"code": "twice_at_once"})).json()["items"]
    assert [each["revision"] for each in listed] == [1, 2]


async def test_two_leaders_revising_at_once_make_two_revisions_or_are_told(town: Town):
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    first = five_to_one(code="at_once")
    assert (await zhou.post(CARE, json=first)).status_code == 201
    answers = await asyncio.gather(
        zhou.post(CARE, json=five_to_one(code="at_once", effective_from="2022-04-01")),
        gu.post(CARE, json=five_to_one(code="at_once", effective_from="2022-04-01")),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    listed = (await zhou.get(CARE, params={"code": "at_once"})).json()["items"]
    assert [each["effective_to"] for each in listed] == ["2022-03-31", None]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"min_party_members": 6}, "/body/min_party_members"),
        ({"role_minima": {"medic": 3, "police_officer": 3}}, "/body/role_minima"),
        ({"role_minima": {"wizard": 1}}, "/body/role_minima/wizard"),
        ({"size": 0}, "/body/size"),
        ({"code": "Five"}, "/body/code"),
        ({"legal_basis": ""}, "/body/legal_basis"),
        ({"sise": 4}, "/body/sise"),
    ],
)
async def test_an_impossible_team_is_refused_with_a_pointer(
    town: Town, changes: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    told = assert_problem(await zhou.post(CARE, json=five_to_one(**changes)), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]


def _windows(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"name": f"w{place}", "label": "段", "opens": opens, "closes": closes}
        for place, (opens, closes) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"windows": _windows(("06:00", "11:00"), ("10:59", "12:00"))}, "/body/windows/1/opens"),
        ({"windows": _windows(("15:00", "21:00"), ("06:00", "11:00"))}, "/body/windows/1/opens"),
        ({"windows": _windows(("21:00", "06:00"))}, "/body/windows/0/closes"),
        ({"windows": _windows(("06:00", "24:00"))}, "/body/windows/0/closes"),
        ({"windows": _windows(("6:00", "11:00"))}, "/body/windows/0/opens"),
        ({"windows": []}, "/body/windows"),
        ({"windows": _windows(("06:00", "07:00")) * 2}, "/body/windows/1/name"),
        ({"fever_threshold_c": 43.5}, "/body/fever_threshold_c"),
        ({"low_threshold_c": 33.9}, "/body/low_threshold_c"),
        ({"low_threshold_c": 37.3}, "/body/low_threshold_c"),
        ({"fever_threshold_c": 37.35}, "/body/fever_threshold_c"),
        ({"plausible_max_c": 34.0}, "/body/plausible_max_c"),
        ({"plausible_max_c": 37.0}, "/body/fever_threshold_c"),
        ({"exempt_whereabouts": ["abroad"]}, "/body/exempt_whereabouts/0"),
    ],
)
async def test_impossible_monitoring_is_refused_with_a_pointer(
    town: Town, changes: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    told = assert_problem(await zhou.post(MONITORING, json=three_times(**changes)), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]


async def test_windows_may_touch(town: Town):
    zhou = await town.as_("zhou")
    windows = _windows(("06:00", "12:00"), ("12:00", "18:00"))
    touching = three_times(code="touching", windows=windows)
    assert (await zhou.post(MONITORING, json=touching)).status_code == 201


async def test_the_revision_in_force_is_the_one_of_the_day(town: Town):
    zhou = await town.as_("zhou")
    for day in ("2022-02-10", "2022-03-01"):
        policy = five_to_one(code="by_day", effective_from=day)
        assert (await zhou.post(CARE, json=policy)).status_code == 201
    async with town.database.session(Entry.without_reach(TOWNSHIP)) as session:
        for day, revision in ((date(2022, 2, 28), 1), (date(2022, 3, 1), 2)):
            assert (await current(session, CareTeamPolicy, "by_day", on=day)).revision == revision
        with pytest.raises(NoPolicyInForce):
            await current(session, CareTeamPolicy, "by_day", on=date(2022, 2, 9))


async def test_the_shelf_reads_a_rule_once_through_either_door(town: Town):
    shelf = PolicyShelf()
    ming = entry_of(town.app.state.keys.tokens.read(await town.token_of("ming")), writing=False)
    async with town.database.session(ming) as session:
        policy = await current(session, MonitoringPolicy, TWICE_DAILY, on=date(2022, 2, 15))
        kept = (await shelf.monitoring(session, TOWNSHIP, [policy.id]))[policy.id]
        assert [window.name for window in kept.windows] == ["morning", "evening"]
    async with town.database.connection(ming) as connection:
        fresh = (await PolicyShelf().monitoring(connection, TOWNSHIP, [policy.id]))[policy.id]
        assert fresh == kept
        assert (await shelf.monitoring(connection, TOWNSHIP, [policy.id]))[policy.id] is kept
