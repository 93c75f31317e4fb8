"""A pass told wrong is put right, one of the wrong person counts no more; nothing is lost."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import time_machine

from api.checkpoints import rechecks, retention
from api.checkpoints.problems import NotYourPass, PassDiscarded, WhyOtherwise
from api.foundation import clock
from api.foundation.jobs import sweep
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from tests.builders import a_checkpoint, a_household, a_pass, a_shift, pass_body
from tests.cast import TOWNSHIP, Town, assert_problem
from tests.checkpoints.conftest import code, green, hours_ago

__all__ = ["rechecks", "retention"]

REVERSED = {"from_place": "柳村", "to_place": "德保县", "reason": "来去方向填反了"}
WRONG_PERSON = {"reason": "扫错了人"}


async def _correct(
    client: httpx.AsyncClient, said: dict[str, Any], change: dict[str, Any], version: int = 1
) -> httpx.Response:
    headers = {"If-Match": f'"{version}"'}
    return await client.patch(f"/v1/passes/{said['id']}", json=change, headers=headers)


async def _discard(
    client: httpx.AsyncClient, said: dict[str, Any], version: int = 1
) -> httpx.Response:
    path, headers = f"/v1/passes/{said['id']}/discard", {"If-Match": f'"{version}"'}
    return await client.post(path, json=WRONG_PERSON, headers=headers)


async def _listed(client: httpx.AsyncClient, bridge: dict[str, Any], **wanted: str) -> list[str]:
    answer = await client.get(f"/v1/checkpoints/{bridge['id']}/passes", params=wanted)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


async def _red_alerts(client: httpx.AsyncClient, resident: str) -> list[dict[str, Any]]:
    told = {"resident_id": resident, "cause": "red_code"}
    found = (await client.get("/v1/alerts", params=told)).json()["items"]
    return [(await client.get(f"/v1/alerts/{each['id']}")).json() for each in found]


async def test_the_guard_turns_a_direction_round_and_what_was_said_before_stays(
    guard: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    told = {"vehicle_plate": "桂F12345", "from_place": "德保县", "to_place": "柳村"}
    said = await a_pass(guard, bridge, shown=green(), **told)
    right = await _correct(guard, said, {**REVERSED, "vehicle_plate": None})
    assert right.status_code == 200, right.text
    now = right.json()
    assert (now["from_place"], now["to_place"], now["vehicle_plate"]) == ("柳村", "德保县", None)
    assert right.headers["ETag"] == '"2"'
    assert {**now, **told, "version": 1} == said
    for reader in (guard, lin):
        [former] = (await reader.get(f"/v1/passes/{said['id']}/history")).json()["items"]
        assert former["passing"] == said
        assert former["reason"] == REVERSED["reason"]
    assert (await lin.get(f"/v1/passes/{said['id']}")).json() == now


async def test_what_was_told_lies_sealed_in_its_history_as_well(
    lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    said = await a_pass(lin, bridge, from_place="百色市靖西县")
    assert (await _correct(lin, said, {"from_place": "南宁市", "reason": "听错了"})).is_success
    kept = "SELECT body::text FROM revisions WHERE record_id = $1"
    assert "靖西" not in await owner.fetchval(kept, said["id"])
    note = "SELECT details::text FROM audit_entries WHERE action = $1 AND subject_id = $2"
    details = await owner.fetchval(note, "passes.correct", said["id"])
    assert details == '{"fields": ["from_place"]}'


async def test_a_decision_is_put_right_with_its_reason_and_the_verdict_stays(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    said = await a_pass(lin, bridge, shown=[code("yellow")])
    let = {"decision": "through", "reason": "误点了暂留"}
    told = assert_problem(await _correct(lin, said, let), WhyOtherwise)
    assert (told["verdict"], told["errors"][0]["pointer"]) == ("hold", "/body/decision_reason")
    why = {**let, "decision_reason": "救护车，先行放行"}
    now = (await _correct(lin, said, why)).json()
    assert (now["verdict"], now["decision"]) == ("hold", "through")
    assert now["reasons"] == said["reasons"]
    bare = {"decision_reason": None, "reason": "理由另记"}
    assert_problem(await _correct(lin, said, bare, version=2), WhyOtherwise)
    back = {"decision": "hold", "reason": "实际暂留"}
    after = (await _correct(lin, said, back, version=2)).json()
    assert (after["decision"], after["decision_reason"]) == ("hold", None)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({}, "/body/reason"),
        ({"reason": "无"}, "/body"),
        ({"from_place": "柳村"}, "/body/reason"),
        ({"decision": None, "reason": "误点"}, "/body/decision"),
        ({"decision": "maybe", "reason": "误点"}, "/body/decision"),
        ({"verdict": "through", "reason": "误判"}, "/body/verdict"),
        ({"shown": [], "reason": "没有出示"}, "/body/shown"),
        ({"person": {"name": "黄甲"}, "reason": "扫错了人"}, "/body/person"),
        ({"vehicle_plate": "桂" * 200, "reason": "补填"}, "/body/vehicle_plate"),
    ],
)
async def test_what_may_not_honestly_be_corrected_is_refused_with_its_place(
    lin: httpx.AsyncClient, bridge: dict[str, Any], change: dict[str, Any], pointer: str
):
    said = await a_pass(lin, bridge)
    told = assert_problem(await _correct(lin, said, change), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert (await lin.get(f"/v1/passes/{said['id']}")).json() == said


async def test_a_correction_is_made_from_the_version_that_stands(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    said = await a_pass(lin, bridge)
    path = f"/v1/passes/{said['id']}"
    assert_problem(await lin.patch(path, json=REVERSED), VersionMissing)
    assert_problem(await lin.post(f"{path}/discard", json=WRONG_PERSON), VersionMissing)
    both = await asyncio.gather(*(_correct(lin, said, REVERSED) for _ in range(2)))
    assert sorted(each.status_code for each in both) == [200, 412]
    assert assert_problem(await _discard(lin, said), VersionMismatch)["version"] == 2


async def test_only_who_recorded_it_on_this_shift_or_leads_there_puts_it_right(
    town: Town, guard: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    said = await a_pass(guard, bridge)
    await a_shift(lin, bridge, worker="ba")
    for name, refusal in (
        ("", NotSignedIn),
        ("wei", NotFound),
        ("mei", NotFound),
        ("bai", NotFound),
        ("ba", NotYourPass),
    ):
        client = await town.as_(name) if name else town.nobody()
        assert_problem(await _correct(client, said, REVERSED), refusal)
        assert_problem(await _discard(client, said), refusal)
    by_lin = await a_pass(lin, bridge)
    assert_problem(await _correct(guard, by_lin, REVERSED), NotYourPass)
    assert (await _correct(await town.as_("zhou"), said, REVERSED)).status_code == 200
    assert (await _correct(await town.as_("shan"), by_lin, REVERSED)).status_code == 200
    assert (await _discard(guard, said, version=2)).status_code == 200


async def test_a_grid_worker_of_the_place_without_a_roster_puts_it_right_that_day(
    town: Town, lin: httpx.AsyncClient
):
    gate = await a_checkpoint(lin, grid="t.01.01.01")
    midnight = clock.day_bounds(clock.today())[1]
    with time_machine.travel(midnight - timedelta(minutes=2), tick=False) as time:
        ming = await town.as_("ming")
        today, late = [await a_pass(ming, gate) for _ in range(2)]
        assert (await _discard(ming, today)).status_code == 200
        time.shift(timedelta(minutes=2))
        assert_problem(await _discard(ming, late), NotYourPass)
    assert (await _discard(lin, late)).status_code == 200


async def test_when_the_shift_is_over_its_guard_reads_and_no_longer_puts_right(
    lin: httpx.AsyncClient, bridge: dict[str, Any], guard: httpx.AsyncClient
):
    said = await a_pass(guard, bridge)
    [shift] = (await lin.get("/v1/duty-shifts", params={"place_id": bridge["id"]})).json()["items"]
    over = {"starts_at": hours_ago(5), "ends_at": hours_ago(0.01), "reason": "提前下班"}
    path, headers = f"/v1/duty-shifts/{shift['id']}", {"If-Match": f'"{shift["version"]}"'}
    assert (await lin.patch(path, json=over, headers=headers)).status_code == 200
    assert (await guard.get(f"/v1/passes/{said['id']}")).status_code == 200
    assert_problem(await _correct(guard, said, REVERSED), NotYourPass)
    await a_shift(lin, bridge, worker="qin", begins=0.02)
    assert (await _correct(guard, said, REVERSED)).status_code == 200


async def test_a_pass_of_the_wrong_person_is_gone_from_lists_counts_and_the_queue(
    guard: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    wrong = await a_pass(guard, bridge, shown=[])
    right = await a_pass(guard, bridge, shown=[code("red")])
    assert wrong["recheck"] is True
    gone = await _discard(guard, wrong)
    assert gone.status_code == 200, gone.text
    assert gone.json()["discarded_at"] is not None
    path = f"/v1/checkpoints/{bridge['id']}"
    assert await _listed(lin, bridge) == [right["id"]]
    assert await _listed(lin, bridge, discarded="true") == [wrong["id"]]
    tally = (await lin.get(f"{path}/tally")).json()
    assert (tally["hold"], tally["turn_back"], tally["red"]) == (0, 1, 1)
    assert (await lin.get(f"{path}/re-checks")).json()["items"] == []
    assert_problem(await _discard(guard, wrong, version=2), PassDiscarded)
    assert_problem(await _correct(guard, wrong, REVERSED, version=2), PassDiscarded)
    assert (await lin.get(f"/v1/passes/{wrong['id']}")).json() == gone.json()


async def test_the_alert_of_a_discarded_pass_stands_and_says_that_nothing_shows_it(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    home = await a_household(wei, grid="t.01.02.01")
    resident = home["residents"][0]["id"]
    told = {"person": {"resident_id": resident}, "shown": [code("red")]}
    wrong, right = [await a_pass(guard, bridge, **told) for _ in range(2)]
    assert (await _discard(guard, wrong)).status_code == 200
    [alert] = await _red_alerts(wei, resident)
    assert alert["status"] == "open"
    shown = {each["record_id"]: each["discarded_at"] for each in alert["evidence"]}
    assert shown.keys() == {wrong["id"], right["id"]}
    assert shown[wrong["id"]] is not None
    assert shown[right["id"]] is None


async def test_a_refused_discard_says_nothing_of_the_alert(
    wei: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    home = await a_household(wei, grid="t.01.02.01")
    resident = home["residents"][0]["id"]
    said = await a_pass(lin, bridge, person={"resident_id": resident}, shown=[code("red")])
    assert_problem(await _discard(lin, said, version=7), VersionMismatch)
    assert_problem(await _discard(wei, said), NotFound)
    [alert] = await _red_alerts(wei, resident)
    assert [each["discarded_at"] for each in alert["evidence"]] == [None]


async def test_what_a_phone_sends_again_after_the_correction_is_no_news_and_comes_not_back(
    guard: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    body = pass_body(shown=green(), from_place="德保县", to_place="柳村")
    said = (await guard.post(path, json=body)).json()
    await _correct(guard, said, REVERSED)
    again = await guard.post(path, json=body)
    assert (again.status_code, again.json()["from_place"]) == (200, "柳村")
    assert again.json()["version"] == 2
    as_corrected = await guard.post(path, json={**body, "from_place": "柳村", "to_place": "德保县"})
    fields = assert_problem(as_corrected, RecordDiffers)["fields"]
    assert fields == ["from_place", "to_place"]
    await _discard(guard, said, version=2)
    late = await guard.post(path, json=body)
    assert (late.status_code, late.json()["version"]) == (200, 3)
    assert late.json()["discarded_at"] is not None
    assert await _listed(lin, bridge) == []


async def test_a_correction_does_not_lengthen_its_life_and_takes_its_history_along(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    old = await a_pass(lin, bridge, passed_at=hours_ago(31 * 24), from_place="德保县")
    gone = await a_pass(lin, bridge, passed_at=hours_ago(31 * 24))
    young = await a_pass(lin, bridge, passed_at=hours_ago(24))
    for each in (old, young):
        assert (await _correct(lin, each, REVERSED)).status_code == 200
    assert (await _discard(lin, gone)).status_code == 200
    assert await sweep(town.database, "checkpoints.retention", TOWNSHIP) == 2
    for each in (old, gone):
        assert_problem(await _correct(lin, each, REVERSED, version=2), NotFound)
    left = "SELECT DISTINCT record_id::text FROM revisions WHERE record_id = ANY ($1::uuid[])"
    known = [each["id"] for each in (old, gone, young)]
    assert [each[0] for each in await owner.fetch(left, known)] == [young["id"]]


async def test_a_discarded_pass_is_not_asked_about_again(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    await owner.execute("DELETE FROM passes_to_check")
    said = await a_pass(lin, bridge, shown=[])
    assert (await _discard(lin, said)).status_code == 200
    later = clock.now() + timedelta(minutes=11)
    assert await sweep(town.database, "checkpoints.rechecks", TOWNSHIP, at=later) == 0
    assert await owner.fetchval("SELECT count(*) FROM passes_to_check") == 0
