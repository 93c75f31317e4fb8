"""Released when every condition holds, each shown with its evidence, approved by the right role."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
)
from api.foundation.records import new_id
from api.quarantines.problems import QuarantineEnded, ReleaseConditionsUnmet
from tests.builders import FOUR, a_diagnostic_test, a_quarantine
from tests.cast import Town, assert_problem
from tests.quarantines.plans import (
    CONTACT,
    SECONDARY,
    a_planned_quarantine,
    close_alerts,
    rows,
    sampled,
    sent,
    the_ninth_edition,
)


@pytest.fixture(scope="module")
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


def path_of(quarantine: dict[str, Any]) -> str:
    return f"/v1/quarantines/{quarantine['id']}/release"


def approval(**told: Any) -> dict[str, Any]:
    return {"ended_on": clock.today().isoformat(), "reason": "期满", **told}


async def _release(town: Town, name: str, quarantine: dict[str, Any]) -> httpx.Response:
    return await (await town.as_(name)).post(path_of(quarantine), json=approval())


async def _conditions(
    town: Town, quarantine: dict[str, Any], name: str = "zhou"
) -> dict[str, dict[str, Any]]:
    """The conditions by their kind."""
    answer = await (await town.as_(name)).get(path_of(quarantine))
    assert answer.status_code == 200, answer.text
    return {each["kind"]: each for each in answer.json()["conditions"]}


async def test_nobody_sees_conditions_or_releases(town: Town):
    nobody, path = town.nobody(), f"/v1/quarantines/{new_id()}/release"
    assert_problem(await nobody.get(path), NotSignedIn)
    assert_problem(await nobody.post(path, json=approval()), NotSignedIn)
    assert_problem(await nobody.get("/v1/releases/proposed"), NotSignedIn)


async def test_the_neighbour_and_the_volunteer_see_no_conditions(town: Town, protocol: str):
    kept = await a_planned_quarantine(town, protocol)
    for neighbour in ("mei", "wei", "he", "bai"):
        client = await town.as_(neighbour)
        assert_problem(await client.get(path_of(kept)), NotFound)
        listed = (await client.get("/v1/releases/proposed", params={"ready": "false"})).json()
        assert kept["id"] not in [each["quarantine_id"] for each in listed["items"]]
    assert_problem(await (await town.as_("ba")).get(path_of(kept)), NotPermitted)
    assert_problem(await _release(town, "wei", kept), NotFound)


async def test_who_serves_from_elsewhere_sees_the_conditions_and_releases_nobody(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, team=("ming", "pang", "ba", "wei"), days=1)
    assert (await _conditions(town, kept, "wei"))["period_complete"]["holds"]
    assert_problem(await _release(town, "wei", kept), OutsideYourGrid)


async def test_a_grid_worker_releases_nobody(town: Town):
    kept = await a_quarantine(await town.as_("lin"), team=FOUR, days=1)
    refused = assert_problem(await _release(town, "ming", kept), NotPermitted)
    assert refused["permission"] == "quarantines:manage"
    assert (await _release(town, "lin", kept)).status_code == 200


async def test_each_condition_is_shown_with_its_evidence(town: Town, protocol: str):
    ming = await town.as_("ming")
    kept = await a_planned_quarantine(town, protocol)
    nothing = await _conditions(town, kept)
    assert set(nothing) == {
        "period_complete",
        "tests_negative",
        "no_open_alert",
        "no_open_movement",
    }
    assert [kind for kind, each in nothing.items() if each["holds"]] == [
        "period_complete",
        "no_open_alert",
        "no_open_movement",
    ]
    tests = await sampled(ming, kept, 1, 4)
    missing = (await _conditions(town, kept))["tests_negative"]
    assert not missing["holds"]
    assert missing["evidence"] == [test["id"] for test in tests]
    assert missing["detail"].count("阴性") == 2
    assert missing["detail"].endswith("尚未采样。")
    [last] = await sampled(ming, kept, 7, outcome="pending")
    assert "待出结果" in (await _conditions(town, kept))["tests_negative"]["detail"]
    result = {"outcome": "negative"}
    path = f"/v1/tests/{last['id']}"
    assert (await ming.patch(path, json=result, headers={"If-Match": '"1"'})).status_code == 200
    assert all(each["holds"] for each in (await _conditions(town, kept)).values())


async def test_a_release_before_its_day_says_what_is_missing(town: Town, protocol: str):
    kept = await a_planned_quarantine(town, protocol, begun=3)
    await sampled(await town.as_("ming"), kept, 1)
    refused = assert_problem(await _release(town, "zhou", kept), ReleaseConditionsUnmet)
    assert [each["kind"] for each in refused["unmet"]] == ["period_complete", "tests_negative"]
    assert "尚未到期" in refused["detail"]
    assert (await (await town.as_("zhou")).get(path_of(kept))).json()["ready"] is False


async def test_the_plan_says_who_approves_and_the_release_is_kept_with_its_conditions(
    town: Town, protocol: str
):
    kept = await a_planned_quarantine(town, protocol)
    tests = await sampled(await town.as_("ming"), kept, 1, 4, 7)
    for name, may in (("ming", False), ("lin", False), ("li", False), ("zhou", True)):
        told = (await (await town.as_(name)).get(path_of(kept))).json()
        assert (told["ready"], told["may_approve"]) == (True, may), name
        assert told["approver"] == {"roles": ["grid_leader", "administrator"], "max_level": 1}
    refused = assert_problem(await _release(town, "lin", kept), NotPermitted)
    assert "网格长" in refused["detail"]
    released = await _release(town, "zhou", kept)
    assert released.status_code == 200, released.text
    assert (released.json()["status"], released.json()["end_reason"]) == ("released", "completed")
    [row] = await rows(
        town,
        "SELECT conditions, follow_up_days, released_on, number FROM releases "
        "WHERE quarantine_id = CAST(:id AS uuid)",
        id=kept["id"],
    )
    assert (row.follow_up_days, row.released_on) == ([1, 2, 3, 7, 14], clock.today())
    weighed = {each["kind"]: each for each in row.conditions}
    assert weighed["tests_negative"]["evidence"] == [test["id"] for test in tests]
    assert all(each["holds"] for each in weighed.values())


async def test_a_release_sent_twice_at_the_same_moment_is_one_release(town: Town, protocol: str):
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    kept = await a_planned_quarantine(town, protocol)
    await sampled(await town.as_("ming"), kept, 1, 4, 7)
    said = approval()
    answers = await asyncio.gather(
        *(client.post(path_of(kept), json=said) for client in (zhou, gu, zhou, gu))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    counted = "SELECT count(*) FROM releases WHERE quarantine_id = CAST(:id AS uuid)"
    assert [tuple(row) for row in await rows(town, counted, id=kept["id"])] == [(1,)]
    ended = {"ended_on": said["ended_on"], "end_reason": "moved_away", "note": "已离开"}
    terminated = await zhou.post(f"/v1/quarantines/{kept['id']}/terminate", json=ended)
    assert_problem(terminated, QuarantineEnded)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"ended_on": "2999-01-01"}, "/body/ended_on"),
        ({"ended_on": "昨天"}, "/body/ended_on"),
        ({"reason": ""}, "/body/reason"),
        ({"follow_up_days": [1]}, "/body/follow_up_days"),
    ],
)
async def test_a_wrong_approval_is_pointed_at(town: Town, change: dict[str, Any], pointer: str):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=1)
    refused = await lin.post(path_of(kept), json=approval(**change))
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == pointer
    assert (await lin.get(f"/v1/quarantines/{kept['id']}")).json()["status"] == "active"


async def test_a_missed_test_is_made_up_for_and_a_positive_one_waits_for_people(
    town: Town, protocol: str
):
    ming = await town.as_("ming")
    kept = await a_planned_quarantine(town, protocol)
    await sampled(ming, kept, 1, 5, 7)
    made_up = (await _conditions(town, kept))["tests_negative"]
    assert made_up["holds"]
    assert "补测阴性" in made_up["detail"]
    extra = await a_diagnostic_test(ming, kept["resident_id"], outcome="positive", kind="antigen")
    barred = await _conditions(town, kept)
    assert {kind for kind, each in barred.items() if not each["holds"]} == {
        "tests_negative",
        "no_open_alert",
    }
    assert extra["id"] in barred["tests_negative"]["evidence"]
    assert "检测阳性" in barred["no_open_alert"]["detail"]
    status = (await (await town.as_("lin")).get(f"/v1/quarantines/{kept['id']}")).json()["status"]
    assert status == "active"
    put_right = {"outcome": "negative", "reason": "复核为假阳性"}
    corrected = await ming.patch(
        f"/v1/tests/{extra['id']}", json=put_right, headers={"If-Match": '"1"'}
    )
    assert corrected.status_code == 200
    still = await _conditions(town, kept)
    assert [kind for kind, each in still.items() if not each["holds"]] == ["no_open_alert"]
    assert await close_alerts(town, kept["id"]) == 1
    assert (await _release(town, "zhou", kept)).status_code == 200


async def test_who_was_begun_by_hand_needs_the_period_and_no_open_alert(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await a_quarantine(lin, days=1)
    assert set(await _conditions(town, kept)) == {
        "period_complete",
        "no_open_alert",
        "no_open_movement",
    }
    report = {"id": str(new_id()), "resident_id": kept["resident_id"], "note": "邻居说在咳嗽"}
    assert (await zhou.post("/v1/alerts", json=report)).status_code == 201
    refused = assert_problem(await _release(town, "lin", kept), ReleaseConditionsUnmet)
    assert [each["kind"] for each in refused["unmet"]] == ["no_open_alert"]
    assert await close_alerts(town, kept["id"]) == 1
    assert (await _release(town, "lin", kept)).status_code == 200


async def test_a_secondary_contact_waits_for_the_linked_contact_out_of_sight(
    town: Town, protocol: str
):
    """The contact lives in 榕村, out of the sight of 柳村; only their results count here."""
    han, ming = await town.as_("han"), await town.as_("ming")
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, by="wei", grid="t.01.02.01")
    kept = await a_planned_quarantine(town, protocol, plan=SECONDARY, linked=contact["id"])
    await sampled(ming, kept, 1, 4, 7)
    await sampled(han, contact, 1)
    waiting = (await _conditions(town, kept, "lin"))["linked_contact"]
    assert (waiting["holds"], "已有1次阴性" in waiting["detail"]) == (False, True)
    [unclear] = await sampled(han, contact, 2, outcome="inconclusive")
    assert not (await _conditions(town, kept, "lin"))["linked_contact"]["holds"]
    [second] = await sampled(han, contact, 3)
    answered = (await _conditions(town, kept, "lin"))["linked_contact"]
    assert answered["holds"]
    assert second["id"] in answered["evidence"]
    assert unclear["id"] not in answered["evidence"]


async def test_a_positive_contact_is_told_to_those_who_lead_where_the_secondary_contact_lives(
    town: Town, protocol: str
):
    han, ming, lin = await town.as_("han"), await town.as_("ming"), await town.as_("lin")
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, by="wei", grid="t.01.02.01")
    kept = await a_planned_quarantine(town, protocol, plan=SECONDARY, linked=contact["id"])
    await sampled(ming, kept, 1, 4, 7)
    await sampled(han, contact, 1, outcome="positive")
    barred = await _conditions(town, kept, "lin")
    assert "改按密切接触者管理" in barred["linked_contact"]["detail"]
    [alert] = (await lin.get("/v1/alerts", params={"quarantine_id": kept["id"]})).json()["items"]
    assert (alert["cause"], alert["resident_id"]) == ("reported", kept["resident_id"])
    hidden = await han.get("/v1/alerts", params={"quarantine_id": kept["id"]})
    assert hidden.status_code == 404 or hidden.json()["items"] == []
    before = (kept["planned_end_on"], kept["category"])
    now = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert (now["planned_end_on"], now["category"]) == before
    assert_problem(await _release(town, "zhou", kept), ReleaseConditionsUnmet)


async def test_releases_are_proposed_to_every_level_and_what_waits_says_for_what(
    town: Town, protocol: str
):
    mei = await town.as_("mei")
    grid = "t.01.01.02"
    made = [await a_planned_quarantine(town, protocol, grid=grid) for _ in range(4)]
    early = await a_planned_quarantine(town, protocol, begun=3, grid=grid)
    for kept in made[:3]:
        await sampled(mei, kept, 1, 4, 7)
    ids = {each["id"] for each in made}
    for name in ("mei", "lin", "li", "zhou"):
        proposed = await _proposed(town, name, ready=True)
        assert set(proposed) & ids == {each["id"] for each in made[:3]}, name
        assert all(each["ready"] for each in proposed.values())
    waiting = await _proposed(town, "lin", ready=False)
    assert set(waiting) & ids == {made[3]["id"]}
    assert early["id"] not in waiting
    lacking = [each["kind"] for each in waiting[made[3]["id"]]["conditions"] if not each["holds"]]
    assert lacking == ["tests_negative"]
    assert (await _release(town, "zhou", made[0])).status_code == 200
    assert made[0]["id"] not in await _proposed(town, "lin", ready=True)


async def _proposed(town: Town, name: str, *, ready: bool) -> dict[str, dict[str, Any]]:
    """Everybody proposed, read page by page."""
    client = await town.as_(name)
    params: dict[str, Any] = {"ready": ready, "limit": 2}
    found: dict[str, dict[str, Any]] = {}
    while True:
        page = (await client.get("/v1/releases/proposed", params=params)).json()
        found |= {each["quarantine_id"]: each for each in page["items"]}
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


async def test_who_is_being_brought_elsewhere_is_not_released_meanwhile(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=1)
    order = {
        "id": str(new_id()),
        "kind": "to_site",
        "reason": "家中没有独立卫生间",
        "destination": "县职校集中隔离点",
    }
    asked = await lin.post(f"/v1/quarantines/{kept['id']}/transfers", json=order)
    assert asked.status_code == 201, asked.text
    refused = assert_problem(await _release(town, "lin", kept), ReleaseConditionsUnmet)
    [unmet] = refused["unmet"]
    assert (unmet["kind"], unmet["evidence"]) == ("no_open_movement", [order["id"]])
    path = f"/v1/transfers/{order['id']}/cancel"
    cancelled = await lin.post(path, json={"reason": "今日期满"})
    assert cancelled.status_code == 200, cancelled.text
    assert (await _release(town, "lin", kept)).status_code == 200


async def test_many_are_proposed_in_as_many_statements_as_one(
    town: Town, protocol: str, monkeypatch: pytest.MonkeyPatch
):
    lin = await town.as_("lin")
    for _ in range(3):
        await a_planned_quarantine(town, protocol)
    counts: list[int] = []
    for limit in (1, 50):
        with sent(monkeypatch) as messages:
            page = await lin.get("/v1/releases/proposed", params={"ready": False, "limit": limit})
        counts.append(len(messages))
    assert len(page.json()["items"]) >= 1  # of the first one alone, it may not be asked
    assert counts[0] == counts[1] <= 10


async def test_who_releases_sees_that_a_change_was_asked_for_which_the_release_withdraws(
    town: Town,
):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=1)
    assert (await lin.get(path_of(kept))).json()["change_requested_id"] is None
    change = {
        "id": str(new_id()),
        "kind": "extension",
        "ends_on": (clock.today() + timedelta(days=3)).isoformat(),
        "reason": "昨晚咳嗽，待复核",
        "legal_basis": "乡防控指挥部2022年第8号通知",
    }
    path = f"/v1/quarantines/{kept['id']}/changes"
    asked = await lin.post(path, json=change)
    assert asked.status_code == 201, asked.text
    read = (await (await town.as_("zhou")).get(path_of(kept))).json()
    assert (read["ready"], read["change_requested_id"]) == (True, change["id"])
    assert (await _release(town, "zhou", kept)).status_code == 200
    withdrawn = (await lin.get(f"/v1/stage-changes/{change['id']}")).json()
    assert (withdrawn["status"], withdrawn["decision_note"]) == ("withdrawn", "隔离已结束")
