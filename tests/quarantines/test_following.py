"""Who is quarantined along with somebody follows each change of that person, in one decision."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.quarantines.problems import ChangeDecided
from tests.builders import a_preset_in_force
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.quarantines.plans import rows, the_ninth_edition
from tests.quarantines.test_changes import approved, asked, change_body, course, day, decided
from tests.quarantines.test_cohabitants import a_family, following, path_of

pytestmark = pytest.mark.usefixtures("ninth")


@pytest.fixture(scope="module")
async def ninth(town: Town) -> str:
    return await the_ninth_edition(town)


async def a_family_together(
    client: httpx.AsyncClient, *, of: int = 3, **told: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A quarantined person, and the quarantines of those who follow."""
    family = await a_family(client, of=of, **told)
    body = following(*family["people"][1:])
    assert (await client.post(path_of(family), json=body)).json()["created"] == of - 1
    return family["quarantine"], body["items"]


async def test_an_extension_keeps_the_family_in_together_and_names_each(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    index, others = await a_family_together(lin)
    before = await course(town, others[0])
    change = await asked(lin, index, "extension", ends_on=day(9))
    assert change["cohabitants"] == []
    assert await course(town, others[0]) == before
    told = (await decided(zhou, change, "approve")).json()
    assert {each["resident_id"] for each in told["cohabitants"]} == {
        each["resident_id"] for each in others
    }
    assert {each["status"] for each in told["cohabitants"]} == {"approved"}
    assert all(each["resident_name"] for each in told["cohabitants"])
    for each in others:
        assert await course(town, each) == await course(town, index)
        read = (await lin.get(f"/v1/quarantines/{each['id']}")).json()
        assert (read["planned_end_on"], read["legal_basis"]) == (day(9), change["legal_basis"])
        [own] = (await lin.get(f"/v1/quarantines/{each['id']}/changes")).json()["items"]
        assert own["follows_change_id"] == change["id"]
        assert (own["performed_by"], own["decided_by"]) == (str(id_of("lin")), str(id_of("zhou")))
        assert own["stages_before"][0]["ends_on"] == before[0][2]
        assert_problem(await decided(lin, own, "withdraw"), ChangeDecided)
    assert (await decided(zhou, change, "approve")).json() == told
    noted = await rows(
        town,
        "SELECT subject_id::text FROM audit_entries WHERE action = 'changes.follow' "
        "AND details ->> 'follows' = :id",
        id=change["id"],
    )
    assert {row[0] for row in noted} == {each["id"] for each in others}


async def test_one_decision_is_one_however_many_follow_it(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    index, _ = await a_family_together(lin)
    change = await asked(lin, index, "extension", ends_on=day(9))
    before = await _performed(zhou, "zhou")
    assert (await decided(zhou, change, "approve")).status_code == 200
    assert await _performed(zhou, "zhou") == before + 1


async def _performed(client: httpx.AsyncClient, name: str) -> int:
    """How much somebody did themselves today in Lin's village."""
    asked_of = {"grid_id": str(grid_id("t.01.01"))}
    [village] = (await client.get("/v1/workload", params=asked_of)).json()["villages"]
    by_worker = {each["worker_id"]: each["performed"] for each in village["workers"]}
    return by_worker.get(str(id_of(name)), 0)


@pytest.mark.parametrize(
    ("kind", "told"), [("shortening", {"ends_on": 4}), ("early_end", {"ends_on": 2})]
)
async def test_who_is_let_out_sooner_is_let_out_with_the_family(
    town: Town, kind: str, told: dict[str, int]
):
    index, others = await a_family_together(await town.as_("lin"), of=2)
    days = {name: day(offset) for name, offset in told.items()}
    after = await approved(town, index, kind, **days)
    assert await course(town, others[0]) == after


async def test_on_another_plan_the_family_is_together_again(town: Town, time_machine: Any):
    index, others = await a_family_together(await town.as_("lin"), of=2)
    time_machine.move_to(clock.now() + timedelta(days=3), tick=False)
    zhou = town.client(await town.token_of("zhou"))
    newer = await a_preset_in_force(zhou, "cn_20m", since=day(0))
    plan = {"protocol_id": newer["id"], "plan_code": "contact_5_3"}
    after = await approved(town, index, "new_plan", **plan)
    assert await course(town, others[0]) == after
    lin = town.client(await town.token_of("lin"))
    read = (await lin.get(f"/v1/quarantines/{others[0]['id']}/stages")).json()
    assert (read["plan"]["plan_code"], read["plan"]["link"]) == ("contact_5_3", "cohabitant")


async def test_whose_own_days_are_others_is_asked_for_and_decided_alone(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    index, [other] = await a_family_together(lin, of=2)
    own = await approved(town, other, "extension", ends_on=day(8))
    change = await asked(lin, index, "extension", ends_on=day(10))
    told = (await decided(zhou, change, "approve")).json()
    [named] = told["cohabitants"]
    assert (named["quarantine_id"], named["status"]) == (other["id"], "requested")
    assert await course(town, other) == own
    proposed = {"id": named["change_id"]}
    assert (await decided(zhou, proposed, "approve")).status_code == 200
    assert await course(town, other) == await course(town, index)


async def test_what_is_asked_of_somebody_already_is_left_to_whoever_decides_it(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    index, [other] = await a_family_together(lin, of=2)
    await approved(town, other, "extension", ends_on=day(8))
    await asked(lin, other, "early_end", ends_on=day(5))
    change = await asked(lin, index, "extension", ends_on=day(10))
    assert (await decided(zhou, change, "approve")).json()["cohabitants"] == []


async def test_who_was_let_go_and_who_follows_nobody_is_left_alone(town: Town):
    lin = await town.as_("lin")
    index, [gone, _] = await a_family_together(lin)
    ending = {"ended_on": day(0), "end_reason": "hospitalised", "note": "核酸阳性"}
    assert (
        await lin.post(f"/v1/quarantines/{gone['id']}/terminate", json=ending)
    ).status_code == 200
    stranger, _ = await a_family_together(lin, of=2)
    before = await course(town, gone), await course(town, stranger)
    await approved(town, index, "extension", ends_on=day(9))
    assert (await course(town, gone), await course(town, stranger)) == before


async def test_who_begins_to_follow_after_a_change_has_the_days_of_now(town: Town):
    lin = await town.as_("lin")
    family = await a_family(lin, of=3)
    index, body = family["quarantine"], following(*family["people"][1:])
    after = await approved(town, index, "extension", ends_on=day(9))
    assert (await lin.post(path_of(family), json=body)).json()["created"] == 2
    for item in body["items"]:
        assert await course(town, item) == after
        [own] = (await lin.get(f"/v1/quarantines/{item['id']}/changes")).json()["items"]
        assert own["status"] == "approved"
    assert (await lin.post(path_of(family), json=body)).json()["unchanged"] == 2
    await approved(town, index, "shortening", ends_on=day(8))
    assert (await lin.post(path_of(family), json=body)).json()["unchanged"] == 2


async def test_two_who_decide_about_one_family_at_once_leave_it_together(town: Town):
    lin, zhou, li = await town.as_("lin"), await town.as_("zhou"), await town.as_("li")
    for _ in range(3):
        index, [other] = await a_family_together(lin, of=2)
        first = await asked(lin, index, "extension", ends_on=day(9))
        second = change_body("extension", ends_on=day(9))
        answer = await lin.post(f"/v1/quarantines/{other['id']}/changes", json=second)
        assert answer.status_code == 201
        answers = await asyncio.gather(
            decided(zhou, first, "approve"), decided(li, second, "approve")
        )
        assert {each.status_code for each in answers} <= {200, 409}
        assert await course(town, other) == await course(town, index)
