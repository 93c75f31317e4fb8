"""What is suggested to even out the work is done step by step, and comes to an end."""

from typing import Any

from api.foundation.database import Database
from tests.builders import a_household, a_quarantine
from tests.cast import Town
from tests.duties.scenery import only_stage
from tests.duties.test_workload import a_village, workload_of
from tests.readings.conftest import at, signed_in


async def test_what_was_suggested_and_done_is_not_suggested_again_and_in_the_end_nothing_is(
    town: Town, owner: Database, morning: Any
):
    """The period stays as uneven as it was; what lies before them is even by then."""
    gu, team = await signed_in(town, "gu"), ("qin", "pang", "shan", "lin")
    place = await a_village(town)
    people = []
    for _ in range(4):
        home = await a_household(gu, grid=place)
        person = await a_quarantine(gu, resident=home["residents"][0]["id"], team=team)
        await only_stage(owner, person, visits_per_day=2, calls_per_day=1)
        people.append(person["id"])
    morning.move_to(at(1, days=1))
    zhou = await signed_in(town, "zhou")
    steps: list[tuple[str, str, str]] = []
    while True:
        [village] = (await workload_of(zhou, grid_id=str(place)))["villages"]
        assert village["uneven"] == len(team)
        if (way := village["suggestion"]) is None:
            break
        taken = await zhou.post(way["path"], json=way["body"])
        assert (taken.status_code, taken.json()["complete"]) == (200, True), taken.text
        body = way["body"]
        steps.append((way["path"], body["out_worker_id"], body["in_worker_id"]))
        assert len(steps) <= len(people) * len(team), "it does not end"
    assert len(set(steps)) == len(steps)
    joined = [each for _, _, each in steps]
    assert max(joined.count(each) for each in joined) <= 2, "not all is given to one"
