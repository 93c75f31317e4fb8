"""A change of stages: asked for with a basis, decided by somebody else, no past day touched."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.quarantines.problems import (
    ChangeDecided,
    ChangeNoLongerFits,
    ChangeUnderWay,
    QuarantineEnded,
    RunsByPlan,
)
from tests.builders import a_preset_in_force, a_quarantine, a_quarantine_by_plan
from tests.cast import Town, assert_problem, id_of
from tests.quarantines.plans import rows, the_ninth_edition

CONTACT_FACTS = {"exposure_class": "close_contact"}


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


def day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


def change_body(kind: str, **told: Any) -> dict[str, Any]:
    basis = {"reason": "第7天核酸漏检", "legal_basis": "青竹乡防控指挥部〔2022〕4号"}
    return {"id": str(new_id()), "kind": kind, **basis, **told}


async def a_contact(client: httpx.AsyncClient, *, begun: int = 0, **told: Any) -> dict[str, Any]:
    """A close contact: seven days at a site, then three of monitoring at home."""
    facts = {**CONTACT_FACTS, "last_exposure_on": day(-begun)}
    said = {"facts": facts, "control_started_on": day(-begun), **told}
    return await a_quarantine_by_plan(client, reason="close_contact", **said)


async def asked(
    client: httpx.AsyncClient, quarantine: dict[str, Any], kind: str, **told: Any
) -> dict[str, Any]:
    body = change_body(kind, **told)
    answer = await client.post(f"/v1/quarantines/{quarantine['id']}/changes", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def decided(client: httpx.AsyncClient, change: dict[str, Any], verb: str) -> httpx.Response:
    note = {} if verb == "approve" else {"note": "按实际情况办理"}
    return await client.post(f"/v1/stage-changes/{change['id']}/{verb}", json=note)


async def approved(town: Town, quarantine: dict[str, Any], kind: str, **told: Any) -> Any:
    """Asked for by lin, approved by zhou; answers the course after it."""
    lin, zhou = town.client(await town.token_of("lin")), town.client(await town.token_of("zhou"))
    change = await asked(lin, quarantine, kind, **told)
    answer = await decided(zhou, change, "approve")
    assert answer.status_code == 200, answer.text
    return await course(town, quarantine)


async def course(town: Town, quarantine: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Category, first and last day of every stage."""
    lin = town.client(await town.token_of("lin"))
    told = (await lin.get(f"/v1/quarantines/{quarantine['id']}/stages")).json()
    return [(each["category"], each["starts_on"], each["ends_on"]) for each in told["stages"]]


async def test_nobody_asks_sees_or_decides(town: Town):
    nobody = town.nobody()
    path = f"/v1/quarantines/{new_id()}/changes"
    assert_problem(await nobody.post(path, json=change_body("early_end")), NotSignedIn)
    for seen in (path, "/v1/stage-changes", f"/v1/stage-changes/{new_id()}"):
        assert_problem(await nobody.get(seen), NotSignedIn)
    for verb in ("approve", "reject", "withdraw"):
        refused = await nobody.post(f"/v1/stage-changes/{new_id()}/{verb}", json={"note": "无"})
        assert_problem(refused, NotSignedIn)


async def test_the_neighbour_neither_asks_nor_sees_nor_decides(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    kept = await a_contact(lin)
    change = await asked(lin, kept, "extension", ends_on=day(8))
    path = f"/v1/quarantines/{kept['id']}/changes"
    assert_problem(await wei.post(path, json=change_body("early_end")), NotFound)
    assert_problem(await wei.get(path), NotFound)
    assert_problem(await wei.get(f"/v1/stage-changes/{change['id']}"), NotFound)
    assert_problem(await decided(wei, change, "approve"), NotFound)
    assert (await wei.get("/v1/stage-changes")).json()["items"] == []


async def test_a_grid_worker_sees_a_change_but_neither_asks_nor_decides(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_contact(lin)
    change = await asked(lin, kept, "extension", ends_on=day(8))
    path = f"/v1/quarantines/{kept['id']}/changes"
    assert [each["id"] for each in (await ming.get(path)).json()["items"]] == [change["id"]]
    assert_problem(await ming.post(path, json=change_body("early_end")), NotPermitted)
    assert_problem(await decided(ming, change, "approve"), NotPermitted)


async def test_a_secretary_on_duty_from_elsewhere_sees_the_change_and_decides_nothing(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    team = [
        {"id": str(new_id()), "worker_id": str(id_of(name))}
        for name in ("ming", "pang", "ba", "wei")
    ]
    kept = await a_contact(lin, team=team)
    change = await asked(lin, kept, "extension", ends_on=day(8))
    assert (await wei.get(f"/v1/stage-changes/{change['id']}")).json() == change
    for verb in ("approve", "reject", "withdraw"):
        assert_problem(await decided(wei, change, verb), OutsideYourGrid)
    path = f"/v1/quarantines/{kept['id']}/changes"
    assert_problem(await wei.post(path, json=change_body("early_end")), OutsideYourGrid)


async def test_asked_for_by_one_and_approved_by_another_the_later_stages_follow(
    town: Town, time_machine: Any
):
    kept = await a_contact(await town.as_("lin"))
    time_machine.move_to(clock.now() + timedelta(days=3), tick=False)
    lin, zhou = town.client(await town.token_of("lin")), town.client(await town.token_of("zhou"))
    before = await course(town, kept)
    change = await asked(lin, kept, "extension", ends_on=day(5))
    assert (change["status"], change["decided_by"], change["stages_before"]) == (
        "requested",
        None,
        None,
    )
    assert change["resident_name"] == kept["resident_name"]
    assert await course(town, kept) == before, "nothing changes by asking"
    waiting = (await zhou.get("/v1/stage-changes", params={"status": "requested"})).json()
    assert change["id"] in [each["id"] for each in waiting["items"]]
    answer = await decided(zhou, change, "approve")
    told = answer.json()
    assert (told["status"], told["decided_by"]) == ("approved", str(id_of("zhou")))
    first, second = told["stages_before"]
    assert (first["ends_on"], second["starts_on"]) == (day(3), day(4))
    assert await course(town, kept) == [
        ("centralized_quarantine", day(-3), day(5)),
        ("home_health_monitoring", day(6), day(8)),
    ]
    read = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert (read["planned_end_on"], read["legal_basis"]) == (day(8), change["legal_basis"])
    again = await decided(zhou, change, "approve")
    assert again.json() == told
    kinds = {
        row.kind
        for row in await rows(
            town, "SELECT kind FROM revisions WHERE record_id = :id OR duty_id = :id", id=kept["id"]
        )
    }
    assert {"quarantines", "quarantine_stages", "stage_changes"} <= kinds


async def test_who_asked_or_entered_it_does_not_approve_it(town: Town):
    lin, zhou, li = await town.as_("lin"), await town.as_("zhou"), await town.as_("li")
    kept = await a_contact(lin)
    change = await asked(lin, kept, "extension", ends_on=day(8), performed_by=str(id_of("zhou")))
    for client in (lin, zhou):
        for verb in ("approve", "reject"):
            assert_problem(await decided(client, change, verb), NeedsAnotherPerson)
    assert_problem(await decided(li, change, "withdraw"), NotPermitted)
    assert (await decided(li, change, "approve")).status_code == 200


async def test_rejected_or_withdrawn_all_stays_as_it_was(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await a_contact(lin)
    before = await course(town, kept)
    first = await asked(lin, kept, "early_end", ends_on=day(3))
    rejected = await decided(zhou, first, "reject")
    assert (rejected.json()["status"], rejected.json()["stages_before"]) == ("rejected", None)
    assert (await decided(zhou, first, "reject")).json() == rejected.json()
    other = await zhou.post(f"/v1/stage-changes/{first['id']}/reject", json={"note": "另一理由"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["note"]
    assert_problem(await decided(zhou, first, "approve"), ChangeDecided)
    second = await asked(lin, kept, "early_end", ends_on=day(3))
    withdrawn = await decided(lin, second, "withdraw")
    assert (withdrawn.json()["status"], withdrawn.json()["decided_by"]) == ("withdrawn", None)
    assert_problem(await decided(zhou, second, "approve"), ChangeDecided)
    assert await course(town, kept) == before


async def test_one_change_at_a_time_and_the_same_sent_twice_is_one(town: Town):
    lin = await town.as_("lin")
    for _ in range(3):
        kept = await a_contact(lin)
        path, body = f"/v1/quarantines/{kept['id']}/changes", change_body("extension")
        body["ends_on"] = day(8)
        answers = await asyncio.gather(*(lin.post(path, json=body) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        another = change_body("shortening", ends_on=day(4))
        assert_problem(await lin.post(path, json=another), ChangeUnderWay)
        differing = await lin.post(path, json={**body, "ends_on": day(9)})
        assert assert_problem(differing, RecordDiffers)["fields"] == ["ends_on"]
        assert (await decided(lin, body, "withdraw")).status_code == 200
        assert (await lin.post(path, json=body)).json()["status"] == "withdrawn"


async def test_the_id_of_a_change_of_somebody_else_is_refused(town: Town):
    lin = await town.as_("lin")
    change = await asked(lin, await a_contact(lin), "extension", ends_on=day(8))
    body = {name: change[name] for name in ("id", "kind", "ends_on", "reason", "legal_basis")}
    other = await a_contact(lin)
    refused = await lin.post(f"/v1/quarantines/{other['id']}/changes", json=body)
    assert assert_problem(refused, RecordDiffers)["fields"] == ["quarantine_id"]


async def test_approved_and_withdrawn_at_the_same_moment_only_one_of_them_holds(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    for _ in range(3):
        kept = await a_contact(lin)
        change = await asked(lin, kept, "extension", ends_on=day(8))
        answers = await asyncio.gather(
            decided(zhou, change, "approve"), decided(lin, change, "withdraw")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        ends_on = (await course(town, kept))[0][2]
        assert ends_on == (day(8) if answers[0].status_code == 200 else day(6))


async def test_shortening_brings_the_next_stage_nearer(town: Town):
    kept = await a_contact(await town.as_("lin"))
    assert await approved(town, kept, "shortening", ends_on=day(4)) == [
        ("centralized_quarantine", day(0), day(4)),
        ("home_health_monitoring", day(5), day(7)),
    ]


async def test_an_early_end_cuts_what_would_have_followed_and_release_is_due(town: Town):
    lin = await town.as_("lin")
    kept = await a_contact(lin, begun=2)
    assert await approved(town, kept, "early_end") == [("centralized_quarantine", day(-2), day(0))]
    due = (await lin.get("/v1/quarantines", params={"due_on": day(0)})).json()["items"]
    assert kept["id"] in [each["id"] for each in due]


async def test_an_early_end_approved_a_day_late_ends_on_that_day(town: Town, time_machine: Any):
    lin = await town.as_("lin")
    kept = await a_contact(lin)
    change = await asked(lin, kept, "early_end")
    time_machine.move_to(clock.now() + timedelta(days=1), tick=False)
    zhou = town.client(await town.token_of("zhou"))
    assert (await decided(zhou, change, "approve")).status_code == 200
    assert await course(town, kept) == [("centralized_quarantine", day(-1), day(0))]


async def test_what_time_has_overtaken_is_not_approved_but_rejected(town: Town, time_machine: Any):
    lin = await town.as_("lin")
    kept = await a_contact(lin)
    change = await asked(lin, kept, "shortening", ends_on=day(1))
    before = await course(town, kept)
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    zhou = town.client(await town.token_of("zhou"))
    assert_problem(await decided(zhou, change, "approve"), ChangeNoLongerFits)
    assert await course(town, kept) == before
    assert (await decided(zhou, change, "reject")).status_code == 200


async def test_what_was_over_goes_on_from_today_and_the_days_between_stay_free(
    town: Town, time_machine: Any
):
    kept = await a_contact(await town.as_("lin"))
    time_machine.move_to(clock.now() + timedelta(days=13), tick=False)
    lin = town.client(await town.token_of("lin"))
    over = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert over["waiting_for_release"]
    assert await approved(town, kept, "extension", ends_on=day(2)) == [
        ("centralized_quarantine", day(-13), day(-7)),
        ("home_health_monitoring", day(-6), day(-4)),
        ("home_health_monitoring", day(0), day(2)),
    ]
    on = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert not on["waiting_for_release"]
    assert (on["stage"]["ordinal"], on["stage"]["day_number"]) == (3, 7)
    stages = (await lin.get(f"/v1/quarantines/{kept['id']}/stages")).json()["stages"]
    body = change_body("extension", stage_id=stages[0]["id"], ends_on=day(4))
    refused = await lin.post(f"/v1/quarantines/{kept['id']}/changes", json=body)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/stage_id"


async def test_moved_to_another_protocol_served_days_count_and_history_stays(
    town: Town, time_machine: Any
):
    kept = await a_contact(await town.as_("lin"))
    time_machine.move_to(clock.now() + timedelta(days=3), tick=False)
    zhou = town.client(await town.token_of("zhou"))
    newer = await a_preset_in_force(zhou, "cn_20m", since=day(0))
    told = {"protocol_id": newer["id"], "plan_code": "contact_5_3"}
    assert await approved(town, kept, "new_plan", **told) == [
        ("centralized_quarantine", day(-3), day(-1)),
        ("centralized_quarantine", day(0), day(1)),
        ("home_quarantine", day(2), day(4)),
    ]
    lin = town.client(await town.token_of("lin"))
    read = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert read["protocol"] == {"code": "cn_20m", "revision": 1, "plan_code": "contact_5_3"}
    stages = (await lin.get(f"/v1/quarantines/{kept['id']}/stages")).json()["stages"]
    assert [each["ordinal"] for each in stages] == [1, 2, 3]
    assert [test["day_index"] for test in stages[1]["tests"]] == [5]
    assert stages[1]["day_number"] == 4
    followed = await rows(
        town,
        "SELECT plan_code, ended_at FROM quarantine_plans WHERE quarantine_id = :id "
        "ORDER BY decided_at",
        id=kept["id"],
    )
    assert [row.plan_code for row in followed] == ["contact_7_3", "contact_5_3"]
    assert [row.ended_at is None for row in followed] == [False, True]


async def test_a_quarantine_begun_by_hand_is_lengthened_by_two_people_too(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=14)
    assert await approved(town, kept, "extension", ends_on=day(16)) == [
        ("home_quarantine", day(0), day(16))
    ]
    read = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert read["planned_end_on"] == day(16)
    corrected = await lin.patch(
        f"/v1/quarantines/{kept['id']}",
        json={"category": "health_monitoring", "change_reason": "登记有误"},
        headers={"If-Match": f'"{read["version"]}"'},
    )
    assert corrected.json()["category"] == "health_monitoring"


async def test_a_quarantine_by_hand_that_goes_on_in_a_second_stage_is_no_longer_corrected(
    town: Town, time_machine: Any
):
    kept = await a_quarantine(await town.as_("lin"), days=3)
    time_machine.move_to(clock.now() + timedelta(days=6), tick=False)
    await approved(town, kept, "extension", ends_on=day(1))
    lin = town.client(await town.token_of("lin"))
    said = {"category": "health_monitoring", "change_reason": "放宽"}
    refused = await lin.patch(
        f"/v1/quarantines/{kept['id']}", json=said, headers={"If-Match": '"2"'}
    )
    assert_problem(refused, RunsByPlan)


async def test_what_is_asked_of_a_quarantine_goes_with_it_when_it_ends(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await a_contact(lin)
    change = await asked(lin, kept, "extension", ends_on=day(8))
    ending = {"ended_on": day(0), "end_reason": "hospitalised", "note": "核酸阳性"}
    ended = await lin.post(f"/v1/quarantines/{kept['id']}/terminate", json=ending)
    assert ended.status_code == 200
    assert_problem(await decided(zhou, change, "approve"), ChangeDecided)
    dropped = (await zhou.get(f"/v1/stage-changes/{change['id']}")).json()
    assert (dropped["status"], dropped["decided_by"]) == ("withdrawn", None)
    assert dropped["decision_note"] == "隔离已结束"
    path = f"/v1/quarantines/{kept['id']}/changes"
    assert_problem(await lin.post(path, json=change_body("early_end")), QuarantineEnded)


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"kind": "extension"}, "/body/ends_on"),
        ({"kind": "extension", "ends_on": "yesterday"}, "/body/ends_on"),
        ({"kind": "extension", "ends_on": -1}, "/body/ends_on"),
        ({"kind": "extension", "ends_on": 3}, "/body/ends_on"),
        ({"kind": "extension", "ends_on": "9998-12-31"}, "/body/ends_on"),
        ({"kind": "extension", "ends_on": 9, "stage_id": str(new_id())}, "/body/stage_id"),
        ({"kind": "extension", "ends_on": 9, "plan_code": "home_7"}, "/body/plan_code"),
        ({"kind": "shortening", "ends_on": 6}, "/body/ends_on"),
        ({"kind": "early_end", "ends_on": 9}, "/body/ends_on"),
        ({"kind": "early_end", "stage_id": str(new_id())}, "/body/stage_id"),
        ({"kind": "new_plan"}, "/body/plan_code"),
        (
            {"kind": "new_plan", "protocol_id": str(new_id()), "plan_code": "home_7"},
            "/body/protocol_id",
        ),
        ({"kind": "new_plan", "plan_code": "home_7", "ends_on": 9}, "/body/ends_on"),
        ({"kind": "release"}, "/body/kind"),
        ({"kind": "early_end", "reason": "早"}, "/body/reason"),
        ({"kind": "early_end", "legal_basis": " "}, "/body/legal_basis"),
        ({"kind": "early_end", "performed_by": str(new_id())}, "/body/performed_by"),
    ],
)
async def test_a_wrong_request_is_pointed_at_and_nothing_is_kept(
    town: Town, told: dict[str, Any], pointer: str
):
    lin = await town.as_("lin")
    kept = await a_contact(lin)
    ends_on = told.get("ends_on")
    said = {**told, "ends_on": day(ends_on)} if isinstance(ends_on, int) else told
    path = f"/v1/quarantines/{kept['id']}/changes"
    refused = await lin.post(path, json={**change_body("early_end"), **said})
    assert refused.status_code in (404, 422), refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await lin.get(path)).json()["items"] == []


async def test_a_plan_that_the_protocol_does_not_have_is_refused_and_so_is_one_by_hand(
    town: Town, protocol: str
):
    lin = await town.as_("lin")
    told = {"protocol_id": protocol, "plan_code": "no_such_plan"}
    for kept, pointer in (
        (await a_contact(lin), "/body/plan_code"),
        (await a_quarantine(lin), "/body/kind"),
    ):
        path = f"/v1/quarantines/{kept['id']}/changes"
        refused = await lin.post(path, json=change_body("new_plan", **told))
        assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == pointer


async def test_changes_are_read_page_by_page(town: Town):
    lin = await town.as_("lin")
    kept = await a_contact(lin)
    made: list[str] = []
    for _ in range(3):
        change = await asked(
            lin, kept, "early_end", reason="同住人'; DROP TABLE stage_changes --𠮷"
        )
        made.append(change["id"])
        assert (await decided(lin, change, "withdraw")).status_code == 200
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await lin.get(f"/v1/quarantines/{kept['id']}/changes", params=params)).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == made[::-1]
    wrong = await lin.get("/v1/stage-changes", params={"status": "maybe"})
    assert_problem(wrong, InvalidInput)


async def test_duties_changed_is_told_when_stages_change(town: Town):
    kept = await a_contact(await town.as_("lin"))
    await approved(town, kept, "extension", ends_on=day(8))
    told = await rows(town, "SELECT kind FROM events WHERE quarantine_id = :id", id=kept["id"])
    assert [row.kind for row in told] == ["duties.changed"] * 3
