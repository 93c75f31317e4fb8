"""One of every kind of record about one household, made as the people of its village make them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import (
    a_care_call,
    a_diagnostic_test,
    a_household,
    a_preset_in_force,
    a_quarantine,
    a_risk_area,
    a_visit,
    an_arrival,
    an_errand,
    synthetic_resident,
    team_of,
)
from tests.place_beyond import ATTEMPTED, Hands, Known, beyond, kept, said

__all__ = [
    "ADDRESSES",
    "ADDRESSES_OF_THE_GRID",
    "ATTEMPTED",
    "RISKY",
    "Hands",
    "Known",
    "a_home",
    "a_place",
    "kept",
    "said",
    "township_rules",
]

RISKY = "451026101"

ADDRESSES = (
    "alerts/{alert_id}",
    "arrivals/{arrival_id}",
    "calls/{call_id}",
    "errands/{errand_id}/history",
    "code-states/{state_id}",
    "hospital-referrals/{referral_id}",
    "leaves/{leave_id}",
    "quarantines/{quarantine_id}/site-checks",
    "quarantines/{quarantine_id}/stages",
    "readings/{reading_id}/history",
    "stage-changes/{change_id}",
    "tests/{test_id}/history",
    "transfers/{transfer_id}",
    "travel-cards/{card_id}",
    "vaccinations/{vaccination_id}",
)
"""Where what is kept of the first person is read."""

ADDRESSES_OF_THE_GRID = (
    "checkpoints/{checkpoint_id}",
    "dossier-exports/{dossier_export_id}",
    "duty-shifts/{shift_id}",
    "home-samplings/{home_sampling_id}",
    "lead-batches/{batch_id}",
    "leads/{lead_id}",
    "passes/{pass_id}",
    "sample-tubes/{tube_id}",
    "sampling-campaigns/{campaign_id}",
    "site-sessions/{site_session_id}",
    "sites/{site_id}",
)
"""Where what else is kept at the place is read."""


async def township_rules(zhou: httpx.AsyncClient) -> None:
    """The ninth edition in force, and a county at medium risk."""
    await a_preset_in_force(zhou, "cn_v9")
    await a_risk_area(zhou)


async def a_home(lin: httpx.AsyncClient, *, grid: str | UUID, **told: Any) -> dict[str, Any]:
    """A household of three."""
    people = [synthetic_resident(relation=each) for each in ("head", "spouse", "parent")]
    return await a_household(lin, grid=grid, residents=people, **told)


async def a_place(hands: Hands, home: dict[str, Any], *, team: tuple[str, ...] = ()) -> Known:
    """A colleague in the grid of a home, its first person under control, and all that is kept.

    The second was released today and the third waits for it; only the first has a team.
    """
    lin = hands.lin
    await said(lin, "PATCH", f"/v1/households/{home['id']}", {"note": "门前有狗"})
    first, second, third = (each["id"] for each in home["residents"])
    came = await _came(lin, home, first, team)
    place = {
        "grid_id": home["grid_id"],
        "household_id": home["id"],
        "resident_id": first,
        **await _colleague(lin, home["grid_id"]),
        "visit_id": await _visited(lin, home),
        **came,
        **await _measured(lin, came["quarantine_id"]),
        **await _asked_for(lin, f"/v1/quarantines/{came['quarantine_id']}"),
        "test_id": await _tested(lin, first),
        "call_id": (await a_care_call(lin, came["quarantine_id"], outcome="unreachable"))["id"],
        "errand_id": (await an_errand(lin, came["quarantine_id"]))["id"],
        "directive_id": await _directed(lin, home["grid_id"]),
        "released_id": await _released(lin, second),
        "waiting_id": (await a_quarantine(lin, resident=third, days=1))["id"],
    }
    return place | await beyond(hands, place, third)


async def _colleague(lin: httpx.AsyncClient, grid: str) -> Known:
    """Somebody registered in the grid, with a post there and an account."""
    worker = await kept(lin, "/v1/workers", name="卢志愿", grid_id=grid)
    post = await kept(lin, "/v1/posts", worker_id=worker, grid_id=grid, role="volunteer")
    account = {"name": f"lu-{worker[-6:]}", "initial_password": "Qingshan-lvshui-2022"}
    await said(lin, "POST", f"/v1/workers/{worker}/account", account)
    return {"worker_id": worker, "post_id": post}


async def _visited(lin: httpx.AsyncClient, home: dict[str, Any]) -> str:
    visit = (await a_visit(lin, home, outcome="refused"))["id"]
    await said(lin, "PATCH", f"/v1/visits/{visit}", {"reason": "看错门牌", "needs": ["masks"]})
    return visit


async def _came(
    lin: httpx.AsyncClient, home: dict[str, Any], person: str, team: tuple[str, ...]
) -> Known:
    """Somebody comes from the county at risk, is known, and comes under control by plan."""
    today = clock.today().isoformat()
    stays = [{"code": RISKY, "from_on": "2022-01-01", "to_on": today}]
    told = {"arrived_at": clock.now().isoformat(), "expected_on": None, "resident_id": person}
    arrival = (await an_arrival(lin, home, stays=stays, **told))["id"]
    path, quarantine = f"/v1/arrivals/{arrival}", str(new_id())
    await said(lin, "POST", f"{path}/verify", {"resident_id": person})
    plan = {"quarantine_id": quarantine, "control_started_on": today, "team": team_of(*team)}
    await said(lin, "POST", f"{path}/confirm", plan)
    return {"arrival_id": arrival, "quarantine_id": quarantine}


async def _measured(lin: httpx.AsyncClient, quarantine: str) -> Known:
    """A temperature put right, and one that was refused, which somebody looks after."""
    told = {"quarantine_id": quarantine, "window": "morning"}
    reading = await kept(lin, "/v1/readings", value_c=36.5, **told)
    right = {"reason": "看错一行", "value_c": 36.6}
    await said(lin, "PATCH", f"/v1/readings/{reading}", right)
    absent = [{"quarantine_id": quarantine, "not_measured": "refused"}]
    later = {"id": str(new_id()), "window": "evening", "exceptions": absent}
    await said(lin, "POST", "/v1/rounds", later)
    listed = await said(lin, "GET", f"/v1/alerts?quarantine_id={quarantine}")
    alert = listed["items"][0]["id"]
    await said(lin, "POST", f"/v1/alerts/{alert}/acknowledge")
    return {"reading_id": reading, "alert_id": alert}


async def _asked_for(lin: httpx.AsyncClient, quarantine: str) -> Known:
    """A check of the home, hospital and back; a transfer, leave and more days are asked for."""
    [stage] = (await said(lin, "GET", f"{quarantine}/stages"))["stages"]
    items = {item["code"]: True for item in stage["site_checklist"]}
    await kept(lin, f"{quarantine}/site-checks", items=items)
    ill = {"hospital": "县人民医院", "reason": "发热"}
    referral = await kept(lin, f"{quarantine}/hospital-referrals", **ill)
    back = {"outcome": "returned", "finding": "核酸阴性"}
    await said(lin, "POST", f"/v1/hospital-referrals/{referral}/return", back)
    away = {"kind": "to_site", "reason": "家中不宜隔离", "destination": "县职校"}
    soon = clock.now() + timedelta(hours=1)
    hours = {"from_at": soon.isoformat(), "until_at": (soon + timedelta(hours=2)).isoformat()}
    longer = (clock.today() + timedelta(days=8)).isoformat()
    why = {"reason": "核酸漏检", "legal_basis": "青竹乡防控指挥部〔2022〕4号"}
    return {
        "referral_id": referral,
        "transfer_id": await kept(lin, f"{quarantine}/transfers", **away),
        "leave_id": await kept(lin, f"{quarantine}/leaves", reason="透析", route="县医院", **hours),
        "change_id": await kept(
            lin, f"{quarantine}/changes", kind="extension", ends_on=longer, **why
        ),
    }


async def _tested(lin: httpx.AsyncClient, person: str) -> str:
    test = (await a_diagnostic_test(lin, person))["id"]
    await said(lin, "PATCH", f"/v1/tests/{test}", {"outcome": "negative"})
    return test


async def _directed(lin: httpx.AsyncClient, grid: str) -> str:
    """An order to everybody of the grid."""
    due = (clock.now() + timedelta(hours=3)).isoformat()
    told = {"title": "再排查", "body": "逐户反馈人数", "deadline_at": due}
    return await kept(lin, "/v1/directives", grid_id=grid, **told)


async def _released(lin: httpx.AsyncClient, person: str) -> str:
    quarantine = (await a_quarantine(lin, resident=person, days=1))["id"]
    ended = {"ended_on": clock.today().isoformat(), "reason": "期满"}
    await said(lin, "POST", f"/v1/quarantines/{quarantine}/release", ended)
    return quarantine
