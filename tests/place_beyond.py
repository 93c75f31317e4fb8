"""What is kept at a place beyond its people: leads, gates, sites, what other systems told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, Self
from uuid import UUID

import httpx

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import (
    a_checkpoint,
    a_code_state,
    a_lead,
    a_lead_batch,
    a_pass,
    a_sample_tube,
    a_shift,
    a_vaccination,
    somebody,
    travel_card_body,
)

Known = dict[str, str]
"""The ids of what was seeded, by the name that the contract's addresses have for them."""

FIRST = {"If-Match": '"1"'}


ATTEMPTED = """
    INSERT INTO webhook_attempts (id, reach, subscription_id, delivery_id, at, took_ms, status_code)
    SELECT gen_random_uuid(), d.reach, d.subscription_id, d.id, d.created_at, 20, 503
    FROM webhook_deliveries AS d
    WHERE NOT EXISTS (SELECT FROM webhook_attempts AS a WHERE a.delivery_id = d.id);
    INSERT INTO held_days (id, version, reach, client_id, grid_id, kind, day, matched, forgotten)
    SELECT gen_random_uuid(), 1, h.reach, h.client_id, h.grid_id, h.kind, h.received_at::date, 1, 0
    FROM held_events AS h ON CONFLICT DO NOTHING
"""
"""What is written of each delivery and of events that were matched; nobody does either here."""


class Visited(Protocol):
    """Where clients of the cast come from."""

    async def as_(self, name: str) -> httpx.AsyncClient: ...


@dataclass(frozen=True, slots=True)
class Hands:
    """Who makes a place: the secretary of its village, another of its cadres, the administrator."""

    lin: httpx.AsyncClient
    shan: httpx.AsyncClient
    gu: httpx.AsyncClient

    @classmethod
    async def of(cls, town: Visited) -> Self:
        return cls(await town.as_("lin"), await town.as_("shan"), await town.as_("gu"))


async def said(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    """Send a request that is to succeed, and answer what is said to it."""
    response = await client.request(method, path, headers=FIRST, json=body)
    assert response.status_code in (200, 201), (path, response.text)
    return response.json()


async def kept(client: httpx.AsyncClient, path: str, **told: Any) -> str:
    """Make a record with an id of its own and answer the id."""
    return (await said(client, "POST", path, {"id": str(new_id()), **told}))["id"]


async def seen_on_the_phone(lin: httpx.AsyncClient, person: str) -> Known:
    """A code, a travel card, a dose and a sample of somebody."""
    card = {**travel_card_body(person)}
    return {
        "state_id": (await a_code_state(lin, person))["id"],
        "card_id": (await said(lin, "POST", "/v1/travel-cards", card))["id"],
        "vaccination_id": (await a_vaccination(lin, person))["id"],
        "tube_id": (await a_sample_tube(lin, [person]))["id"],
    }


async def leads(hands: Hands, grid: str, stranger: str) -> Known:
    """A lead that is being verified, one handed to another township, one fed back."""
    lin = hands.lin
    batch = await a_lead_batch(lin, grid_id=grid)
    going, gone, done = [await a_lead(lin, batch) for _ in range(3)]
    path = f"/v1/leads/{going['id']}"
    await said(lin, "POST", f"{path}/assign", {"grid_id": grid})
    await said(lin, "POST", f"{path}/unmatch", {"resident_id": stranger})
    await kept(lin, f"{path}/attempts", kind="phone", reached=True)
    code = {"question": "health_code", "shown": "told", "health_code": {"state": "green"}}
    await kept(lin, f"{path}/answers", **code)
    away = {"outcome": "not_in_jurisdiction", "note": "现住外县"}
    await said(hands.shan, "POST", f"/v1/leads/{gone['id']}/conclude", away)
    there = {"to_code": "451026101", "to_name": "城关镇", "reason": "现住该镇"}
    transfer = await kept(lin, f"/v1/leads/{gone['id']}/transfers", **there)
    wrong = {"outcome": "info_error", "note": "空号"}
    await said(hands.shan, "POST", f"/v1/leads/{done['id']}/conclude", wrong)
    await said(lin, "POST", f"/v1/leads/{done['id']}/review", {"approved": True})
    await kept(lin, f"/v1/lead-batches/{batch['id']}/feedback")
    return {"batch_id": batch["id"], "lead_id": going["id"], "lead_transfer_id": transfer}


async def gate(lin: httpx.AsyncClient, grid: str, worker: str) -> Known:
    """A checkpoint short of people, a stranger who passed, another who was asked about."""
    checkpoint = await a_checkpoint(lin, grid=UUID(grid), staffing={"查验": 2})
    asked = {"checkpoint_id": checkpoint["id"], "phone": somebody()["phone"]}
    await said(lin, "POST", "/v1/gate-look-ups", {**asked, "purpose": "核对通行人员"})
    return {
        "checkpoint_id": checkpoint["id"],
        "shift_id": (await a_shift(lin, checkpoint, worker=worker))["id"],
        "pass_id": (await a_pass(lin, checkpoint))["id"],
    }


async def site(lin: httpx.AsyncClient, grid: str, person: str) -> Known:
    """A site that is open, with a count, something wrong, a campaign and somebody at home."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    span = {"starts_at": hour.isoformat(), "ends_at": (hour + timedelta(hours=3)).isoformat()}
    since = (hour - timedelta(days=1)).isoformat()
    told = {"grid_id": grid, "name": "文化楼采样点", "kind": "sampling"}
    place = await kept(lin, "/v1/sites", **told, opened_at=since)
    held = await kept(lin, "/v1/site-sessions", site_id=place, **span)
    path = f"/v1/site-sessions/{held}"
    await said(lin, "POST", f"{path}/open")
    asked = {"site_session_id": held, "phone": somebody()["phone"]}
    await said(lin, "POST", "/v1/site-look-ups", asked)
    day = str(clock.today())
    round_ = {"grid_id": grid, "name": "第一轮", "kind": "sampling", "from_on": day, "to_on": day}
    at_home = {"resident_id": person, "reason": "mobility", "wanted_on": day}
    return {
        "site_id": place,
        "site_session_id": held,
        "tally_id": await kept(lin, f"{path}/tallies", hour_at=hour.isoformat(), people=40),
        "problem_id": await kept(lin, f"{path}/problems", kind="supplies", note="采样管不够"),
        "campaign_id": await kept(lin, "/v1/sampling-campaigns", **round_),
        "home_sampling_id": await kept(lin, "/v1/home-samplings", **at_home),
    }


async def other_systems(hands: Hands, grid: str, person: str) -> Known:
    """A system let in for the grid: it told of somebody, and of a stranger, and is told itself."""
    gu = hands.gu
    expires = (clock.now() + timedelta(days=90)).isoformat()
    scopes = ["health_codes:write", "test_results:write", "webhooks:manage"]
    told = {"name": "县平台", "grid_id": grid, "expires_at": expires, "proof": "secret"}
    body = {"id": str(new_id()), "scopes": scopes, **told}
    client = await said(gu, "POST", "/v1/machine-clients", body)
    form = {"grant_type": "client_credentials"}
    by = (client["id"], client["secret"])
    token = (await gu.post("/v1/oauth/token", data=form, auth=by)).json()["access_token"]

    async def asked(path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await gu.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201, 202), (path, answer.text)
        return answer.json()

    event = {"event_id": f"gx-{new_id()}", "phone": somebody()["phone"], "state": "red"}
    event["changed_at"] = (clock.now() - timedelta(hours=1)).isoformat()
    await asked("/v1/health-codes/changes", {"items": [event]})
    reveal = {"fields": ["document"], "reason": "核对身份"}
    shown = await said(hands.lin, "POST", f"/v1/residents/{person}/reveal", reveal)
    known = {name: shown[name] for name in ("document_kind", "document")}
    times = dict.fromkeys(("sampled_at", "reported_at"), event["changed_at"])
    result = {"event_id": f"lab-{new_id()}", **known, **times, "outcome": "negative"}
    await asked("/v1/test-results", {"items": [result]})
    wanted = {"url": "https://hooks.example.com/onegrid", "event_types": ["alert.opened"]}
    subscribed = await asked("/v1/webhook-subscriptions", {"id": str(new_id()), **wanted})
    sent = await asked(f"/v1/webhook-subscriptions/{subscribed['id']}/test")
    return {
        "client_id": client["id"],
        "subscription_id": subscribed["id"],
        "delivery_id": sent["id"],
    }


async def beyond(hands: Hands, place: Known, stranger: str) -> Known:
    """All of it, at a place whose people are known already."""
    lin, grid = hands.lin, place["grid_id"]
    copied = {"asked_by": "self", "proof": "核对了身份证原件"}
    address = f"/v1/residents/{place['resident_id']}/dossier-exports"
    return {
        **await seen_on_the_phone(lin, place["resident_id"]),
        **await leads(hands, grid, stranger),
        **await gate(lin, grid, place["worker_id"]),
        **await site(lin, grid, stranger),
        **await other_systems(hands, grid, place["resident_id"]),
        "dossier_export_id": await kept(lin, address, **copied),
    }
