"""Secondary contacts, and those who are quarantined along with one, follow a contact's tests."""

from typing import Any

import httpx
import pytest

from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn
from api.foundation.records import new_id
from api.quarantines.problems import (
    LinkedQuarantineUnknown,
    NoContactToFollow,
    NotACohabitant,
    QuarantineEnded,
    ReleaseConditionsUnmet,
)
from tests.builders import (
    a_household,
    a_quarantine,
    a_quarantine_by_plan,
    by_plan_body,
    synthetic_resident,
)
from tests.cast import Town, assert_problem
from tests.quarantines.plans import (
    CONTACT,
    SECONDARY,
    a_planned_quarantine,
    sampled,
    the_ninth_edition,
)
from tests.quarantines.test_changes import day

GRID = "t.01.01.01"


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


def secondary(*, begun: int = 6, **told: Any) -> dict[str, Any]:
    """What begins the quarantine of somebody who met a contact, some days ago."""
    facts = {"exposure_class": "secondary_contact", "last_exposure_on": day(-begun)}
    said = {"reason": "other", "facts": facts, "control_started_on": day(-begun)}
    if "linked_quarantine_id" in told:
        said["link"] = "secondary_contact"
    return {**said, **told}


async def a_couple(client: httpx.AsyncClient, **told: Any) -> list[dict[str, Any]]:
    """Two of one house: the first a secondary contact, the second quarantined along."""
    people = [synthetic_resident(relation="head"), synthetic_resident(relation="other")]
    await a_household(client, grid=GRID, residents=people)
    kept = await a_quarantine_by_plan(client, resident=people[0]["id"], **secondary(**told))
    item = {"id": str(new_id()), "resident_id": people[1]["id"]}
    answer = await client.post(f"/v1/quarantines/{kept['id']}/cohabitants", json={"items": [item]})
    assert answer.json()["created"] == 1, answer.text
    along = (await client.get(f"/v1/quarantines/{item['id']}")).json()
    for each in (kept, along):
        await sampled(client, each, 1, 4, 7)
    return [kept, along]


async def linked_contact(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> dict[str, Any]:
    told = (await client.get(f"/v1/quarantines/{quarantine['id']}/release")).json()
    return next(each for each in told["conditions"] if each["kind"] == "linked_contact")


async def released(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> httpx.Response:
    path = f"/v1/quarantines/{quarantine['id']}/release"
    return await client.post(path, json={"ended_on": day(0), "reason": "期满"})


async def test_who_lives_with_a_secondary_contact_waits_for_the_same_contact_and_is_released(
    town: Town, protocol: str
):
    """The contact lives in 榕村, out of the sight of 柳村."""
    han, lin, zhou = await town.as_("han"), await town.as_("lin"), await town.as_("zhou")
    contact = await a_planned_quarantine(
        town, protocol, plan=CONTACT, begun=8, by="wei", grid="t.01.02.01"
    )
    couple = await a_couple(lin, linked_quarantine_id=contact["id"])
    for each in couple:
        waiting = await linked_contact(lin, each)
        assert (waiting["holds"], waiting["detail"]) == (
            False,
            "所跟随的密接前2次检测，已有0次阴性。",
        )
    taken = await sampled(han, contact, 1, 2)
    for each in couple:
        answered = await linked_contact(lin, each)
        assert (answered["holds"], answered["evidence"]) == (True, [test["id"] for test in taken])
        assert (await released(zhou, each)).status_code == 200


async def test_where_nobody_told_the_contact_both_say_so(town: Town):
    lin = await town.as_("lin")
    for each in await a_couple(lin):
        told = await linked_contact(lin, each)
        assert not told["holds"]
        assert told["detail"].startswith("没有登记所跟随的密接；")


async def test_a_contact_who_is_found_out_later_is_told_then_and_may_be_put_right(
    town: Town, protocol: str
):
    lin, wei, han = await town.as_("lin"), await town.as_("wei"), await town.as_("han")
    couple = await a_couple(lin)
    far = await a_planned_quarantine(
        town, protocol, plan=CONTACT, begun=8, by="wei", grid="t.01.02.01"
    )
    near = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=8)
    path = f"/v1/quarantines/{couple[0]['id']}/linked-contact"
    said = {"linked_quarantine_id": far["id"], "reason": "流调补充：与该密接同车"}
    assert_problem(await town.nobody().put(path, json=said), NotSignedIn)
    assert_problem(await wei.put(path, json=said), NotFound)
    assert_problem(await (await town.as_("ming")).put(path, json=said), NotPermitted)
    for _ in range(2):
        told = await lin.put(path, json=said)
        assert told.status_code == 200, told.text
        assert told.json()["plan"]["link"] == "secondary_contact"
    await sampled(han, far, 1, 2)
    for each in couple:
        assert (await linked_contact(lin, each))["holds"]
    again = {"linked_quarantine_id": near["id"], "reason": "更正：同名的另一人"}
    plan = (await lin.put(path, json=again)).json()["plan"]
    assert plan["linked_quarantine_id"] == near["id"]
    for each in couple:
        assert not (await linked_contact(lin, each))["holds"]
    await sampled(lin, near, 1, 2)
    assert (await linked_contact(lin, couple[1]))["holds"]


async def test_whom_nobody_can_follow_is_said(town: Town, protocol: str):
    lin = await town.as_("lin")
    couple = await a_couple(lin)
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=8)
    path = f"/v1/quarantines/{couple[0]['id']}/linked-contact"
    why = {"reason": "流调补充：与该密接同车"}
    own = await lin.put(path, json={**why, "linked_quarantine_id": couple[0]["id"]})
    wrong = assert_problem(own, InvalidInput)
    assert wrong["errors"][0]["pointer"] == "/body/linked_quarantine_id"
    nowhere = {**why, "linked_quarantine_id": str(new_id())}
    assert_problem(await lin.put(path, json=nowhere), LinkedQuarantineUnknown)
    assert_problem(await lin.put(path, json={**nowhere, "reason": "补"}), InvalidInput)
    along = f"/v1/quarantines/{couple[1]['id']}/linked-contact"
    said = {**why, "linked_quarantine_id": contact["id"]}
    assert_problem(await lin.put(along, json=said), NoContactToFollow)
    itself = f"/v1/quarantines/{contact['id']}/linked-contact"
    followed = await lin.put(itself, json={**why, "linked_quarantine_id": couple[0]["id"]})
    assert_problem(followed, NoContactToFollow)
    by_hand = await a_quarantine(lin)
    refused = await lin.put(f"/v1/quarantines/{by_hand['id']}/linked-contact", json=said)
    assert_problem(refused, NoContactToFollow)
    assert (await lin.put(path, json=said)).status_code == 200
    ending = {"ended_on": day(0), "end_reason": "transferred", "note": "转县集中隔离点"}
    ended = await lin.post(f"/v1/quarantines/{couple[0]['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text
    assert_problem(await lin.put(path, json=said), QuarantineEnded)


async def test_who_turns_out_to_follow_somebody_positive_is_told_of_at_once(
    town: Town, protocol: str
):
    lin = await town.as_("lin")
    kept = (await a_couple(lin))[0]
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=8)
    await sampled(lin, contact, 1, outcome="positive")
    said = {"linked_quarantine_id": contact["id"], "reason": "流调补充：与该密接同车"}
    path = f"/v1/quarantines/{kept['id']}/linked-contact"
    assert (await lin.put(path, json=said)).status_code == 200
    asked = {"quarantine_id": kept["id"]}
    alerts = (await lin.get("/v1/alerts", params=asked)).json()["items"]
    assert len(alerts) == 1


async def test_a_quick_test_at_home_is_none_of_the_first_two(town: Town, protocol: str):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=8)
    kept = await a_planned_quarantine(town, protocol, plan=SECONDARY, linked=contact["id"])
    await sampled(lin, kept, 1, 4, 7)
    await sampled(lin, contact, 1, 2, kind="antigen")
    refused = assert_problem(await released(zhou, kept), ReleaseConditionsUnmet)
    assert [each["detail"] for each in refused["unmet"]] == ["所跟随的密接前2次检测，已有0次阴性。"]
    await sampled(lin, contact, 1, 2)
    assert (await linked_contact(lin, kept))["holds"]
    await sampled(lin, contact, 3, kind="antigen", outcome="positive")
    assert "检测阳性" in (await linked_contact(lin, kept))["detail"]


async def test_what_was_tested_is_told_in_one_chinese_sentence(town: Town, protocol: str):
    lin = await town.as_("lin")
    kept = await a_planned_quarantine(town, protocol)
    await sampled(lin, kept, 1, 4)
    told = (await lin.get(f"/v1/quarantines/{kept['id']}/release")).json()["conditions"]
    [detail] = [each["detail"] for each in told if each["kind"] == "tests_negative"]
    assert detail.count("；") == 2
    assert ";" not in detail


async def test_who_begins_to_follow_a_contact_found_positive_before_is_told_of_at_once(
    town: Town, protocol: str
):
    """In whatever order the two are told; sent again, nobody is told again."""
    han, lin = await town.as_("han"), await town.as_("lin")
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, by="wei", grid="t.01.02.01")
    [positive] = await sampled(han, contact, 1, outcome="positive")
    home = await a_household(lin, grid=GRID)
    person = str(home["residents"][0]["id"])
    told = secondary(linked_quarantine_id=contact["id"])
    body = by_plan_body(resident=person, **told)
    for status in (201, 200):
        answer = await lin.post("/v1/quarantines/by-plan", json=body)
        assert answer.status_code == status, answer.text
        listed = (await lin.get("/v1/alerts", params={"quarantine_id": body["id"]})).json()
        [alert] = listed["items"]
        assert (alert["cause"], alert["status"]) == ("reported", "open")
        assert alert["resident_id"] == person
    [second] = await sampled(han, contact, 2, outcome="positive")
    shown = (await lin.get(f"/v1/alerts/{alert['id']}")).json()["evidence"]
    assert [each["record_id"] for each in shown] == [positive["id"], second["id"]]
    assert positive["id"] in (await linked_contact(lin, {"id": body["id"]}))["evidence"]


async def test_who_begins_to_follow_a_contact_that_was_negative_is_no_alert(
    town: Town, protocol: str
):
    lin = await town.as_("lin")
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT)
    await sampled(lin, contact, 1)
    kept = await a_quarantine_by_plan(lin, **secondary(linked_quarantine_id=contact["id"]))
    listed = (await lin.get("/v1/alerts", params={"quarantine_id": kept["id"]})).json()
    assert listed["items"] == []


async def test_nobody_follows_themselves_or_a_stranger_as_if_they_lived_together(town: Town):
    lin = await town.as_("lin")
    other, own = await a_quarantine_by_plan(lin), await a_quarantine_by_plan(lin)
    ending = {"ended_on": day(0), "end_reason": "moved_away", "note": "核实后终止"}
    ended = await lin.post(f"/v1/quarantines/{own['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text
    refusals = (
        (own["id"], "secondary_contact", InvalidInput),
        (own["id"], "cohabitant", InvalidInput),
        (other["id"], "cohabitant", NotACohabitant),
        (str(new_id()), "cohabitant", LinkedQuarantineUnknown),
        (str(new_id()), "secondary_contact", LinkedQuarantineUnknown),
    )
    for linked, link, problem in refusals:
        told = secondary(begun=0) | {"linked_quarantine_id": linked, "link": link}
        body = by_plan_body(resident=own["resident_id"], **told)
        refused = await lin.post("/v1/quarantines/by-plan", json=body)
        [error] = assert_problem(refused, problem)["errors"]
        assert error["pointer"] == "/body/linked_quarantine_id"
