"""Temperatures follow the stages: each day is measured and judged by its own stage's rule."""

from copy import deepcopy
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.records import new_id
from api.protocols.documents import EXAMPLE
from tests.cast import Town
from tests.quarantines.plans import a_planned_quarantine
from tests.readings.conftest import at, reading_body, signed_in

STRICT = {
    "code": "strict_morning",
    "name": "每日一次从严测温",
    "legal_basis": "青竹乡防控指挥部〔2022〕9号",
    "effective_from": "2020-01-01",
    "windows": [{"name": "morning", "label": "早", "opens": "06:00", "closes": "10:00"}],
    "fever_threshold_c": 37.0,
    "comparator": "gte",
    "low_threshold_c": 35.0,
}
FOLLOWING = {"anchor": "previous_stage_end", "duration_days": 2}
STAGES: list[dict[str, Any]] = [
    {
        "category": "home_quarantine",
        "anchor": "control_start",
        "duration_days": 2,
        "monitoring_policy": "twice_daily",
    },
    {"category": "home_health_monitoring", "monitoring_policy": "strict_morning", **FOLLOWING},
    {"category": "self_health_monitoring", **FOLLOWING},
]
"""Two days with two temperatures, two with one and a lower threshold, two with none."""


@pytest.fixture(scope="module")
async def protocol(town: Town) -> str:
    """A protocol of three stages, in force; answers its id."""
    zhou = await town.as_("zhou")
    kept = await zhou.post("/v1/monitoring-policies", json={"id": str(new_id()), **STRICT})
    assert kept.status_code == 201, kept.text
    document = deepcopy(EXAMPLE)
    document["plans"][0]["stages"] = STAGES
    drafted = await zhou.post(
        "/v1/protocols",
        json={
            "id": str(new_id()),
            "code": "three_stages",
            "name": "分三阶段管理",
            "disease": "新型冠状病毒肺炎",
            "issuing_body": "青竹乡防控指挥部",
            "legal_basis": "青竹乡防控指挥部〔2022〕9号",
            "source": "根据县指挥部通知整理",
            "effective_from": "2020-01-01",
            "document": document,
        },
    )
    assert drafted.status_code == 201, drafted.text
    path = f"/v1/protocols/{drafted.json()['id']}"
    active = await zhou.post(f"{path}/activate", headers={"If-Match": '"1"'})
    assert active.status_code == 200, active.text
    return active.json()["id"]


@pytest.fixture
async def person(town: Town, protocol: str) -> dict[str, Any]:
    """Somebody of Ming's grid on the first of the six days of that protocol."""
    return await a_planned_quarantine(town, protocol, plan="home_7", begun=0)


async def _missing(client: httpx.AsyncClient, person: dict[str, Any]) -> list[str]:
    items = (await client.get("/v1/readings/missing")).json()["items"]
    return [each["window"] for each in items if each["quarantine_id"] == person["id"]]


async def _measured(client: httpx.AsyncClient, person: dict[str, Any]) -> dict[str, Any]:
    kept = await client.post("/v1/readings", json=reading_body(person, value_c=37.1))
    assert kept.status_code == 201, kept.text
    return kept.json()


@pytest.mark.parametrize(
    ("days", "due"),
    [(0, ["morning", "evening"]), (1, ["morning", "evening"]), (2, ["morning"]), (3, ["morning"])],
)
async def test_a_day_misses_the_windows_of_its_own_stage(
    town: Town,
    person: dict[str, Any],
    morning: time_machine.Traveller,
    days: int,
    due: list[str],
):
    morning.move_to(at(16, days=days))
    assert await _missing(await signed_in(town, "ming"), person) == due


@pytest.mark.parametrize("days", [4, 5, 6, 20])
async def test_nothing_is_missing_where_no_stage_asks_for_temperatures_or_all_are_over(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller, days: int
):
    morning.move_to(at(16, days=days))
    ming = await signed_in(town, "ming")
    assert await _missing(ming, person) == []
    counts = (await ming.get("/v1/readings/missing/counts")).json()["items"]
    assert sum(each["late"] for each in counts) == 0


@pytest.mark.parametrize(("days", "abnormal"), [(0, False), (1, False), (2, True), (3, True)])
async def test_a_reading_is_judged_by_the_rule_of_the_stage_of_its_day(
    town: Town,
    person: dict[str, Any],
    morning: time_machine.Traveller,
    days: int,
    *,
    abnormal: bool,
):
    morning.move_to(at(8, 30, days=days))
    assert (await _measured(await signed_in(town, "ming"), person))["abnormal"] is abnormal


@pytest.mark.parametrize("days", [4, 6])
async def test_a_reading_that_nobody_asked_for_is_kept_and_judged_by_the_last_rule(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller, days: int
):
    morning.move_to(at(8, 30, days=days))
    kept = await _measured(await signed_in(town, "ming"), person)
    assert (kept["day"], kept["window"]) == (clock.today().isoformat(), "morning")
    assert kept["abnormal"]


async def test_a_round_judges_everybody_by_the_stage_of_their_own_day(
    town: Town, protocol: str, morning: time_machine.Traveller
):
    first = await a_planned_quarantine(town, protocol, plan="home_7", begun=0)
    later = await a_planned_quarantine(town, protocol, plan="home_7", begun=2)
    ming = await signed_in(town, "ming")
    exceptions = [{"quarantine_id": each["id"], "value_c": 37.1} for each in (first, later)]
    told = await ming.post("/v1/rounds", json={"id": str(new_id()), "exceptions": exceptions})
    abnormal = {each["quarantine_id"]: each["abnormal"] for each in told.json()["items"]}
    assert abnormal == {first["id"]: False, later["id"]: True}


async def test_all_normal_of_a_grid_means_those_whom_a_stage_measures_that_day(
    town: Town, protocol: str
):
    grid = "t.01.01.02"
    measured = await a_planned_quarantine(town, protocol, plan="home_7", begun=2, grid=grid)
    unasked = await a_planned_quarantine(town, protocol, plan="home_7", begun=4, grid=grid)
    over = await a_planned_quarantine(town, protocol, plan="home_7", begun=8, grid=grid)
    mei = await signed_in(town, "mei")
    normal = {"grid_id": measured["grid_id"], "value_c": 36.5}
    told = await mei.post("/v1/rounds", json={"id": str(new_id()), "normal": normal})
    assert told.status_code == 200, told.text
    named = {each["quarantine_id"] for each in told.json()["items"]}
    assert measured["id"] in named
    assert not named & {unasked["id"], over["id"]}


async def test_the_sheet_has_the_windows_of_each_days_stage(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller
):
    morning.move_to(at(22, days=6))
    ming = await signed_in(town, "ming")
    sheet = (await ming.get(f"/v1/quarantines/{person['id']}/temperature-sheet")).json()
    states = [[cell["state"] for cell in day["cells"]] for day in sheet["days"]]
    assert states == [
        ["late", "late"],
        ["late", "late"],
        ["late"],
        ["late"],
        ["exempt"],
        ["exempt"],
        ["exempt"],
    ]


async def test_a_correction_is_judged_by_the_stage_of_the_day_it_names(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller
):
    morning.move_to(at(8, 30, days=2))
    ming = await signed_in(town, "ming")
    kept = await _measured(ming, person)
    corrected = await ming.patch(
        f"/v1/readings/{kept['id']}",
        json={"measured_at": at(8, 30, days=1).isoformat(), "reason": "补记昨天的体温"},
        headers={"If-Match": '"1"'},
    )
    assert corrected.status_code == 200, corrected.text
    assert (corrected.json()["day"], corrected.json()["abnormal"]) == (
        at(0, days=1).date().isoformat(),
        False,
    )
