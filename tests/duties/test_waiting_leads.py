"""A lead waits for whoever has the next step with it, from the office that sent it and back."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.access.permissions import Permission, Role, permitted
from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import a_lead, a_lead_batch
from tests.cast import Town, grid_id
from tests.duties.scenery import done, my_day, waiting
from tests.readings.conftest import signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def zhou(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "zhou")


@pytest.fixture
async def batch(zhou: httpx.AsyncClient) -> dict[str, Any]:
    return await a_lead_batch(zhou, attempts_needed=1, visit_needed=False)


async def _unreachable(client: httpx.AsyncClient, lead: str) -> None:
    said = {"id": str(new_id()), "kind": "phone", "reached": False}
    await done(client, f"/v1/leads/{lead}/attempts", said)
    await done(client, f"/v1/leads/{lead}/conclude", {"outcome": "unreachable"})


async def _told(town: Town, name: str, subject: str) -> list[dict[str, Any]]:
    stops = (await my_day(town, name))["stops"]
    duties = [duty for stop in stops for duty in stop["duties"] if duty["kind"] == "lead"]
    return [duty for duty in duties if subject in duty["report"]["path"]]


async def test_a_lead_waits_for_its_grid_then_for_the_village_then_for_who_answers_the_issuer(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    han, wei = await signed_in(town, "han"), await signed_in(town, "wei")
    lead = (await a_lead(zhou, batch, name="覃𠮷祥", grid_id=str(grid_id(HAN))))["id"]
    assert await waiting(town, "lead", lead) == {"han": "attempts"}
    [duty] = await _told(town, "han", lead)
    assert (duty["what"], duty["person"]) == (
        "联系并核查覃𠮷祥（涉疫线索）",
        {"id": None, "name": "覃𠮷祥"},
    )
    assert duty["due_at"] == batch["deadline_at"]
    await _unreachable(han, lead)
    assert await waiting(town, "lead", lead) == {"wei": "review"}
    back = {"approved": False, "reason": "再打一次"}
    await done(wei, f"/v1/leads/{lead}/review", back)
    assert await waiting(town, "lead", lead) == {"han": "attempts"}
    assert (await _told(town, "han", lead))[0]["what"].startswith("结论被退回")
    await _unreachable(han, lead)
    await done(wei, f"/v1/leads/{lead}/review", {"approved": True})
    assert await waiting(town, "lead", lead) == {}
    assert await waiting(town, "lead", batch["id"]) == {"zhou": "feedback"}
    await done(zhou, f"/v1/lead-batches/{batch['id']}/feedback", {"id": str(new_id())})
    assert await waiting(town, "lead", batch["id"]) == {}


async def test_what_no_grid_was_found_for_is_one_duty_of_whoever_received_the_batch(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    leads = [(await a_lead(zhou, batch))["id"] for _ in range(3)]
    assert await waiting(town, "lead", batch["id"]) == {"zhou": "assign"}
    [duty] = await _told(town, "zhou", batch["id"])
    assert duty["what"].endswith(f"{batch['batch_number']}（3条）")
    items = [{"lead_id": each, "grid_id": str(grid_id(HAN))} for each in leads]
    await done(zhou, duty["report"]["path"], {"items": items})
    assert await waiting(town, "lead", batch["id"]) == {}
    assert len([await waiting(town, "lead", each) for each in leads]) == 3


async def test_who_concluded_does_not_review(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = (await a_lead(zhou, batch, grid_id=str(grid_id(HAN))))["id"]
    await _unreachable(await signed_in(town, "wei"), lead)
    assert await waiting(town, "lead", lead) == {"li": "review"}


@pytest.mark.parametrize(("path", "who"), [("t.01.02", "wei"), ("t.01", "li")])
async def test_a_lead_given_to_a_grid_of_grids_waits_for_its_leader_alone(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any], path: str, who: str
):
    lead = (await a_lead(zhou, batch, grid_id=str(grid_id(path))))["id"]
    assert await waiting(town, "lead", lead) == {who: "attempts"}
    assert len(await _told(town, who, lead)) == 1


async def test_a_lead_is_late_when_its_deadline_has_passed(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any], morning: Any
):
    lead = (await a_lead(zhou, batch, grid_id=str(grid_id(HAN))))["id"]
    assert [duty["state"] for duty in await _told(town, "han", lead)] == ["due"]
    village = {"grid_id": str(grid_id("t.01.02"))}
    before = await _late_leads(zhou, village)
    morning.move_to(clock.now() + timedelta(days=8))
    assert [duty["state"] for duty in await _told(town, "han", lead)] == ["late"]
    assert await _late_leads(await signed_in(town, "zhou"), village) > before


async def _late_leads(client: httpx.AsyncClient, grid: dict[str, str]) -> int:
    answer = await client.get("/v1/live-view", params=grid)
    assert answer.status_code == 200, answer.text
    return sum(each["late_leads"] for each in answer.json()["grids"])


def test_who_decides_of_quarantines_decides_of_leads_and_sites():
    deciding = {Permission.quarantines_manage, Permission.leads_manage, Permission.sites_manage}
    for role in Role:
        for level in range(1, 6):
            assert len(deciding & permitted(role, level)) in (0, 3), (role, level)
