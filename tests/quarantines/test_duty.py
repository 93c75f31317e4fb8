"""Whoever has a seat in another grid sees that person there, and nothing else (M3.2)."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import NotFound, NotPermitted, OutsideYourGrid
from api.foundation.records import new_id
from tests.builders import FOUR, a_household, a_quarantine
from tests.cast import Town, assert_problem, id_of


@dataclass(frozen=True)
class Scene:
    """One quarantined person in 柳村一组, with the rest of their house and the house next door."""

    quarantine: dict[str, Any]
    other: dict[str, Any]
    household: dict[str, Any]
    next_door: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/quarantines/{self.quarantine['id']}"


@pytest.fixture(scope="module")
async def scene(town: Town) -> Scene:
    lin = await town.as_("lin")
    household = await a_household(lin, grid="t.01.01.01")
    next_door = await a_household(lin, grid="t.01.01.01")
    person = household["residents"][0]["id"]
    return Scene(
        quarantine=await a_quarantine(lin, resident=person, team=FOUR),
        other=await a_quarantine(lin, resident=next_door["residents"][0]["id"]),
        household=household,
        next_door=next_door,
    )


def _entry(kind: str) -> dict[str, str]:
    return {"id": str(new_id()), "kind": kind, "since_at": clock.now().isoformat()}


async def test_the_doctor_of_the_next_village_sees_this_person_and_no_other(
    town: Town, scene: Scene
):
    he = await town.as_("he")
    assert (await he.get(scene.path)).status_code == 200
    listed = (await he.get("/v1/quarantines")).json()
    assert [item["id"] for item in listed["items"]] == [scene.quarantine["id"]]
    assert (await he.get(f"{scene.path}/team")).json()["complete"]
    assert (await he.get(f"{scene.path}/whereabouts")).json()[0]["kind"] == "at_home"
    assert (await he.get(f"/v1/residents/{scene.quarantine['resident_id']}")).status_code == 200
    household = await he.get(f"/v1/households/{scene.household['id']}")
    assert [each["id"] for each in household.json()["residents"]] == [
        scene.quarantine["resident_id"]
    ]


async def test_the_rest_of_the_house_and_the_grid_stay_hidden_from_the_doctor(
    town: Town, scene: Scene
):
    he = await town.as_("he")
    cohabitant = scene.household["residents"][1]["id"]
    for hidden in (
        f"/v1/residents/{cohabitant}",
        f"/v1/households/{scene.next_door['id']}",
        f"/v1/residents/{scene.next_door['residents'][0]['id']}",
        f"/v1/quarantines/{scene.other['id']}",
        f"/v1/quarantines/{scene.other['id']}/team",
        f"/v1/quarantines/{scene.other['id']}/whereabouts",
        f"/v1/grids/{scene.quarantine['grid_id']}",
    ):
        assert_problem(await he.get(hidden), NotFound)
    gaps = (await he.get("/v1/quarantines/team-gaps")).json()
    assert gaps["incomplete"] == 0


async def test_no_visit_of_the_house_is_shown_to_the_doctor(town: Town, scene: Scene):
    ming, he = await town.as_("ming"), await town.as_("he")
    visit = {
        "id": str(new_id()),
        "household_id": scene.household["id"],
        "mode": "visit",
        "outcome": "met",
        "purposes": ["temperature"],
        "visited_at": clock.now().isoformat(),
    }
    kept = await ming.post("/v1/visits", json=visit)
    assert kept.status_code == 201, kept.text
    assert_problem(await he.get(f"/v1/visits/{visit['id']}"), NotFound)
    listed = await he.get("/v1/visits", params={"household_id": scene.household["id"]})
    assert listed.status_code == 404 or listed.json()["items"] == []


async def test_the_doctor_notes_where_the_person_is_but_gives_no_leave(town: Town, scene: Scene):
    he, lin = await town.as_("he"), await town.as_("lin")
    path = f"{scene.path}/whereabouts"
    for kind in ("away_breach", "in_hospital", "at_home"):
        assert (await he.post(path, json=_entry(kind))).status_code == 201
    assert_problem(await he.post(path, json=_entry("away_approved")), NotPermitted)
    elsewhere = f"/v1/quarantines/{scene.other['id']}/whereabouts"
    assert_problem(await he.post(elsewhere, json=_entry("away_breach")), NotFound)
    assert (await lin.get(path)).json()[0]["entered_by"] == str(id_of("he"))


async def test_the_doctor_neither_ends_nor_changes_the_quarantine(town: Town, scene: Scene):
    he = await town.as_("he")
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "走了"}
    assert_problem(await he.post(f"{scene.path}/terminate", json=ending), NotPermitted)
    change = {"category": "health_monitoring", "change_reason": "放宽"}
    refused = await he.patch(scene.path, json=change, headers={"If-Match": '"1"'})
    assert_problem(refused, NotPermitted)
    assert_problem(await he.delete(f"{scene.path}/team/{id_of('ba')}"), NotPermitted)


async def test_a_secretary_on_duty_elsewhere_decides_nothing_there(town: Town):
    """Wei manages quarantines in 榕村; a seat in 柳村 lets him see one there, not decide."""
    lin, wei = await town.as_("lin"), await town.as_("wei")
    kept = await a_quarantine(lin, team=("ming", "pang", "ba", "wei"))
    path = f"/v1/quarantines/{kept['id']}"
    assert (await wei.get(path)).status_code == 200
    day = str(clock.today())
    deeds: list[httpx.Response] = [
        await wei.post(
            f"{path}/terminate", json={"ended_on": day, "end_reason": "died", "note": "无"}
        ),
        await wei.post(f"{path}/release", json={"ended_on": day, "reason": "期满"}),
        await wei.patch(
            path,
            json={"category": "health_monitoring", "change_reason": "放宽"},
            headers={"If-Match": '"1"'},
        ),
        await wei.post(
            f"{path}/team/replace",
            json={
                "out_worker_id": str(id_of("wei")),
                "in_worker_id": str(id_of("he")),
                "reason": "换人",
            },
        ),
        await wei.delete(f"{path}/team/{id_of('ba')}"),
        await wei.post(f"{path}/whereabouts", json=_entry("away_approved")),
    ]
    for refused in deeds:
        assert_problem(refused, OutsideYourGrid)
    second = {"members": [{"worker_id": str(id_of(n))} for n in ("ming", "pang", "ba", "he")]}
    assert (await lin.put(f"{path}/team", json=second)).status_code == 200
    assert_problem(await wei.get(path), NotFound)


async def test_when_the_seat_ends_the_same_token_sees_nothing(town: Town, scene: Scene):
    lin, he = await town.as_("lin"), await town.as_("he")
    seen = [
        scene.path,
        f"{scene.path}/team",
        f"{scene.path}/whereabouts",
        f"/v1/residents/{scene.quarantine['resident_id']}",
        f"/v1/households/{scene.household['id']}",
    ]
    for path in seen:
        assert (await he.get(path)).status_code == 200
    replaced = {
        "out_worker_id": str(id_of("he")),
        "in_worker_id": str(id_of("mei")),
        "reason": "何医生轮休",
    }
    assert (await lin.post(f"{scene.path}/team/replace", json=replaced)).status_code == 200
    for path in seen:
        assert_problem(await he.get(path), NotFound)
    assert_problem(await he.post(f"{scene.path}/whereabouts", json=_entry("at_home")), NotFound)
    kept = [item["id"] for item in (await he.get("/v1/quarantines")).json()["items"]]
    assert scene.quarantine["id"] not in kept


async def test_when_the_quarantine_ends_the_whole_team_loses_sight_of_it(town: Town):
    lin, han = await town.as_("lin"), await town.as_("han")
    kept = await a_quarantine(lin, team=("pang", "ba", "mei", "han"))
    path = f"/v1/quarantines/{kept['id']}"
    assert (await han.get(path)).status_code == 200
    ending = {"ended_on": str(clock.today()), "end_reason": "transferred", "note": "转集中隔离"}
    assert (await lin.post(f"{path}/terminate", json=ending)).status_code == 200
    assert_problem(await han.get(path), NotFound)
    assert_problem(await han.get(f"/v1/residents/{kept['resident_id']}"), NotFound)
