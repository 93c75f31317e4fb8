"""What was told at a site by mistake is taken back by whoever told it there, and by nobody else."""

from datetime import timedelta
from typing import Any

import httpx
import time_machine

from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    VersionMismatch,
    VersionMissing,
)
from api.health_records.problems import HealthRecordDiscarded
from api.sites.problems import NotTakenBack
from tests.builders import a_quarantine
from tests.cast import Town, assert_problem
from tests.sites.test_attendance import (
    a_home,
    a_look_up,
    dose_body,
    doses,
    held,
    on_duty,
    shots,
    tube_body,
    tubes,
)

__all__ = ["held", "shots"]

WHY = {"reason": "管号看错一位"}


async def discard(client: httpx.AsyncClient, path: str, version: int = 1) -> httpx.Response:
    return await client.post(f"{path}/discard", json=WHY, headers={"If-Match": f'"{version}"'})


async def a_tube(client: httpx.AsyncClient, held: dict[str, Any], *look_ups: Any) -> dict[str, Any]:
    made = await client.post(tubes(held), json=tube_body(*look_ups))
    assert made.status_code == 201, made.text
    return made.json()


async def test_one_from_elsewhere_takes_a_tube_back_and_tells_it_again(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin = await on_duty(town, "qin", held)
    homes = [await a_home(lin, grid) for grid in ("t.01.01.01", "t.01.01.02")]
    await a_quarantine(lin, resident=homes[0][0]["residents"][0]["id"])
    look_ups = [await a_look_up(qin, held, person) for _, person in homes]
    told = await a_tube(qin, held, *look_ups)
    path = f"{tubes(held)}/{told['id']}"
    assert_problem(await qin.post(f"{path}/discard", json=WHY), VersionMissing)
    wordless = await qin.post(f"{path}/discard", json={}, headers={"If-Match": '"1"'})
    assert_problem(wordless, InvalidInput)
    assert_problem(await discard(qin, path, 2), VersionMismatch)
    gone = await discard(qin, path)
    assert gone.status_code == 200, gone.text
    assert gone.json()["discarded_at"] is not None
    assert gone.json()["version"] == 2
    assert "秀英" not in gone.text
    assert_problem(await discard(qin, path, 2), HealthRecordDiscarded)
    for home, _ in homes:
        resident = home["residents"][0]["id"]
        assert (await lin.get(f"/v1/tests?resident_id={resident}")).json()["items"] == []
    [former] = (await lin.get(f"/v1/sample-tubes/{told['id']}/history")).json()["items"]
    assert former["reason"] == WHY["reason"]
    again = await qin.post(tubes(held), json=tube_body(*look_ups, code=told["code"]))
    assert again.status_code == 201, again.text


async def test_a_dose_is_taken_back_and_its_number_free_again(
    town: Town, lin: httpx.AsyncClient, shots: dict[str, Any]
):
    qin = await on_duty(town, "qin", shots)
    _, person = await a_home(lin)
    look_up = await a_look_up(qin, shots, person)
    made = await qin.post(doses(shots), json=dose_body(look_up, dose_number=3))
    assert made.status_code == 201, made.text
    gone = await discard(qin, f"{doses(shots)}/{made.json()['id']}")
    assert gone.json()["discarded_at"] is not None, gone.text
    assert (await a_look_up(qin, shots, person))["doses"] == 0
    again = await qin.post(doses(shots), json=dose_body(look_up, dose_number=3))
    assert again.status_code == 201, again.text


async def test_nobody_else_takes_it_back_there(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any], shots: dict[str, Any]
):
    """Nobody, the neighbour, another on duty there, the one above: it is not theirs."""
    qin = await on_duty(town, "qin", held)
    _, person = await a_home(lin)
    told = await a_tube(qin, held, await a_look_up(qin, held, person))
    path = f"{tubes(held)}/{told['id']}"
    assert_problem(await discard(town.nobody(), path), NotSignedIn)
    other = await on_duty(town, "pang", held)
    await a_look_up(other, held, person)
    for client in (other, lin, *[await town.as_(each) for each in ("zhou", "wei", "ming")]):
        assert_problem(await discard(client, path), NotFound)
    elsewhere = f"{tubes(shots)}/{told['id']}"
    assert_problem(await discard(qin, elsewhere), NotFound)
    assert_problem(await discard(qin, f"/v1/sample-tubes/{told['id']}"), NotPermitted)
    assert (await qin.get(tubes(held))).json()["items"] == [told]


async def test_with_a_result_or_after_half_a_day_it_is_put_right_at_home(
    town: Town, lin: httpx.AsyncClient, held: dict[str, Any]
):
    qin, zhou = await on_duty(town, "qin", held), await town.as_("zhou")
    _, person = await a_home(lin)
    look_up = await a_look_up(qin, held, person)
    answered, late = [await a_tube(qin, held, look_up) for _ in range(2)]
    headers = {"If-Match": '"1"'}
    result = {"outcome": "negative", "reported_at": clock.now().isoformat()}
    patched = await lin.patch(f"/v1/sample-tubes/{answered['id']}", json=result, headers=headers)
    assert patched.status_code == 200, patched.text
    assert_problem(await discard(qin, f"{tubes(held)}/{answered['id']}", 2), NotTakenBack)
    own = await a_tube(zhou, held, await a_look_up(zhou, held, person))
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        gone = town.client(await town.token_of("qin"))
        assert_problem(await discard(gone, f"{tubes(held)}/{late['id']}"), NotFound)
        above = town.client(await town.token_of("zhou"))
        assert_problem(await discard(above, f"{tubes(held)}/{own['id']}"), NotTakenBack)
