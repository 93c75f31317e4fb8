"""What tests need before their own story begins, made through the service's own doors."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from api.foundation import clock
from api.foundation.identity import synthetic_identity_number
from api.foundation.records import new_id
from tests.cast import grid_id, id_of

_SEQUENCE = count()
_SURNAMES = "黄韦农梁覃陆莫蒙罗周李林"
_GIVEN = ("秀英", "建国", "美兰", "志强", "𠮷祥", "阿依古丽·买买提", "小凤", "大山")


def synthetic_resident(**told: Any) -> dict[str, Any]:
    """The body of a resident who does not exist, each with another identity number and phone."""
    nth = next(_SEQUENCE)
    born = date(1940 + nth // 500 % 60, nth % 12 + 1, nth % 28 + 1)
    number = synthetic_identity_number(
        division=f"4514{nth // 30_000 + 22:02d}", born=born, sequence=nth % 500
    )
    return {
        "id": str(new_id()),
        "name": f"{_SURNAMES[nth % len(_SURNAMES)]}{_GIVEN[nth % len(_GIVEN)]}",
        "document_kind": "resident_identity",
        "document": number,
        "phone": f"139{nth:08d}",
        "relation": "other",
        "registration": "registered",
        **told,
    }


def household_body(
    *, grid: str | UUID, residents: list[dict[str, Any]] | None = None, **told: Any
) -> dict[str, Any]:
    """The body of a household in a grid, told by its path or id; two residents unless told."""
    if residents is None:
        residents = [synthetic_resident(relation="head"), synthetic_resident(relation="spouse")]
    name = f"{residents[0]['name']}户" if residents else "空户"
    place = grid if isinstance(grid, UUID) else grid_id(grid)
    said = {"id": str(new_id()), "grid_id": str(place), "name": name, "residents": residents}
    return {**said, **told}


async def a_household(
    client: httpx.AsyncClient,
    *,
    grid: str | UUID,
    residents: list[dict[str, Any]] | None = None,
    **told: Any,
) -> dict[str, Any]:
    """Register a household and answer what the service says of it."""
    body = household_body(grid=grid, residents=residents, **told)
    response = await client.post("/v1/households", json=body)
    assert response.status_code == 201, response.text
    return response.json()


FOUR = ("ming", "pang", "ba", "he")
"""Four people who can serve together under 四包一; pang is the only party member among them."""


def team_of(*names: str) -> list[dict[str, str]]:
    """New seats for these people of the cast."""
    return [{"id": str(new_id()), "worker_id": str(id_of(name))} for name in names]


def quarantine_body(
    *, resident: str, team: Sequence[str] = (), days: int = 14, **told: Any
) -> dict[str, Any]:
    """The body of a home quarantine that begins today, with people of the cast as its team."""
    today = clock.today()
    said = {
        "id": str(new_id()),
        "resident_id": resident,
        "reason": "medium_risk_area",
        "category": "home_quarantine",
        "place_kind": "home",
        "started_on": today.isoformat(),
        "planned_end_on": (today + timedelta(days=days - 1)).isoformat(),
        "team": team_of(*team),
    }
    return {**said, **told}


async def a_quarantine(
    client: httpx.AsyncClient,
    *,
    resident: str | None = None,
    grid: str = "t.01.01.01",
    team: Sequence[str] = (),
    **told: Any,
) -> dict[str, Any]:
    """Begin a quarantine, of somebody in a new household unless told; answer what is said of it.

    Without a team unless told: nobody of the cast may serve more than ten persons.
    """
    person = resident or str((await a_household(client, grid=grid))["residents"][0]["id"])
    body = quarantine_body(resident=person, team=team, **told)
    response = await client.post("/v1/quarantines", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def visit_body(household: dict[str, Any], **told: Any) -> dict[str, Any]:
    """The body of a visit that met a household just now."""
    return {
        "id": str(new_id()),
        "household_id": household["id"],
        "mode": "visit",
        "outcome": "met",
        "purposes": ["screening"],
        "visited_at": clock.now().isoformat(),
        **told,
    }


async def a_visit(
    client: httpx.AsyncClient, household: dict[str, Any], **told: Any
) -> dict[str, Any]:
    """Record a visit to a household and answer what the service says of it."""
    response = await client.post("/v1/visits", json=visit_body(household, **told))
    assert response.status_code == 201, response.text
    return response.json()


def diagnostic_test_body(resident: str, **told: Any) -> dict[str, Any]:
    """The body of a nucleic-acid sample taken just now, whose result is awaited."""
    return {
        "id": str(new_id()),
        "resident_id": resident,
        "kind": "nucleic_acid",
        "sampled_at": clock.now().isoformat(),
        **told,
    }


async def a_diagnostic_test(
    client: httpx.AsyncClient, resident: str, **told: Any
) -> dict[str, Any]:
    """Record a test of a resident and answer what the service says of it."""
    response = await client.post("/v1/tests", json=diagnostic_test_body(resident, **told))
    assert response.status_code == 201, response.text
    return response.json()


def care_call_body(**told: Any) -> dict[str, Any]:
    """The body of a call of the care line that got through just now."""
    return {"id": str(new_id()), "outcome": "reached", **told}


async def a_care_call(client: httpx.AsyncClient, quarantine: str, **told: Any) -> dict[str, Any]:
    """Record a call to a person in quarantine, or released, and answer what is said of it."""
    path = f"/v1/quarantines/{quarantine}/calls"
    response = await client.post(path, json=care_call_body(**told))
    assert response.status_code == 201, response.text
    return response.json()


def errand_body(quarantine: str, **told: Any) -> dict[str, Any]:
    """The body of an errand for a person in quarantine, asked for just now."""
    told = {"kind": "medicine", "wanted": "降压药两盒", **told}
    return {"id": str(new_id()), "quarantine_id": quarantine, **told}


async def an_errand(client: httpx.AsyncClient, quarantine: str, **told: Any) -> dict[str, Any]:
    """Ask for an errand and answer what the service says of it."""
    response = await client.post("/v1/errands", json=errand_body(quarantine, **told))
    assert response.status_code == 201, response.text
    return response.json()


async def a_preset_in_force(
    client: httpx.AsyncClient, code: str, *, since: str = "2020-01-01"
) -> dict[str, Any]:
    """Adopt a preset of the protocols and put it in force from a day on."""
    body = {"id": str(new_id()), "effective_from": since, "activate": True}
    response = await client.post(f"/v1/protocol-presets/{code}", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def somebody(**told: Any) -> dict[str, Any]:
    """What somebody who does not exist tells of themselves: name, document, phone."""
    person = synthetic_resident(**told)
    return {name: person[name] for name in ("name", "document_kind", "document", "phone")}


def arrival_body(household: dict[str, Any], **told: Any) -> dict[str, Any]:
    """The body of somebody expected in a household tomorrow, who told a name and no more."""
    tomorrow = clock.today() + timedelta(days=1)
    said = {"id": str(new_id()), "household_id": household["id"], "name": "黄小妹"}
    return {**said, "expected_on": tomorrow.isoformat(), **told}


async def an_arrival(
    client: httpx.AsyncClient, household: dict[str, Any], **told: Any
) -> dict[str, Any]:
    """Record an arrival in a household and answer what the service says of it."""
    response = await client.post("/v1/arrivals", json=arrival_body(household, **told))
    assert response.status_code == 201, response.text
    return response.json()


async def a_risk_area(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    """Put a county at medium risk since a week ago, unless told otherwise; `client` is zhou's."""
    since = clock.today() - timedelta(days=7)
    said = {
        "id": str(new_id()),
        "code_prefix": "451026",
        "name": "岭边县",
        "level": "medium",
        "from_on": since.isoformat(),
        "announcement": "县防控指挥部2022年第5号公告",
    }
    response = await client.post("/v1/risk-areas", json={**said, **told})
    assert response.status_code == 201, response.text
    return response.json()


def by_plan_body(*, resident: str, **told: Any) -> dict[str, Any]:
    """The body of a quarantine that the protocols decide: back today from a medium-risk area."""
    today = clock.today().isoformat()
    facts = {"exposure_class": "returnee", "risk_level": "medium", "left_risk_area_on": today}
    said = {
        "id": str(new_id()),
        "resident_id": resident,
        "reason": "medium_risk_area",
        "facts": facts,
        "control_started_on": today,
    }
    return {**said, **told}


async def a_quarantine_by_plan(
    client: httpx.AsyncClient,
    *,
    resident: str | None = None,
    grid: str = "t.01.01.01",
    **told: Any,
) -> dict[str, Any]:
    """Begin a quarantine by plan, of somebody in a new household unless told."""
    person = resident or str((await a_household(client, grid=grid))["residents"][0]["id"])
    body = by_plan_body(resident=person, **told)
    response = await client.post("/v1/quarantines/by-plan", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def a_checkpoint(
    client: httpx.AsyncClient, *, grid: str | UUID = "t.01.01", **told: Any
) -> dict[str, Any]:
    """Set up a checkpoint that has stood for two months and answer what is said of it."""
    opened_at = clock.now() - timedelta(days=60)
    said = {
        "id": str(new_id()),
        "grid_id": str(grid if isinstance(grid, UUID) else grid_id(grid)),
        "name": "青竹大桥卡点",
        "opened_at": opened_at.isoformat(),
    }
    response = await client.post("/v1/checkpoints", json={**said, **told})
    assert response.status_code == 201, response.text
    return response.json()


def shift_body(
    place: dict[str, Any], *, worker: str, begins: float = 0, hours: float = 8, **told: Any
) -> dict[str, Any]:
    """The body of a shift of somebody of the cast, or by id, that begins in so many hours."""
    starts_at = clock.now() + timedelta(hours=begins)
    return {
        "id": str(new_id()),
        "place_id": place["id"],
        "worker_id": worker if "-" in worker else str(id_of(worker)),
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=hours)).isoformat(),
        **told,
    }


async def a_shift(
    client: httpx.AsyncClient, place: dict[str, Any], *, worker: str, **told: Any
) -> dict[str, Any]:
    """Put somebody on the roster of a place and answer what the service says of it."""
    response = await client.post("/v1/duty-shifts", json=shift_body(place, worker=worker, **told))
    assert response.status_code == 201, response.text
    return response.json()


def code_state_body(resident: str, **told: Any) -> dict[str, Any]:
    """The body of a green code seen on somebody's phone just now."""
    return {"id": str(new_id()), "resident_id": resident, "state": "green", **told}


async def a_code_state(client: httpx.AsyncClient, resident: str, **told: Any) -> dict[str, Any]:
    """Record a code and answer what the service says of it."""
    response = await client.post("/v1/code-states", json=code_state_body(resident, **told))
    assert response.status_code == 201, response.text
    return response.json()


def travel_card_body(resident: str, **told: Any) -> dict[str, Any]:
    """The body of a green travel card of fourteen days, brought up to date just now."""
    return {
        "id": str(new_id()),
        "resident_id": resident,
        "updated_at": clock.now().isoformat(),
        "colour": "green",
        "cities": [{"name": "广西崇左市"}],
        "window_days": 14,
        **told,
    }


def lead_batch_body(**told: Any) -> dict[str, Any]:
    """The body of a batch of leads for the township, to be answered within a day."""
    nth = next(_SEQUENCE)
    said = {
        "id": str(new_id()),
        "issuer": "县疫情防控指挥部",
        "batch_number": f"第{nth}批",
        "deadline_at": (clock.now() + timedelta(days=1)).isoformat(),
    }
    return {**said, **told}


async def a_lead_batch(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    """Enter a batch of leads and answer what the service says of it."""
    response = await client.post("/v1/lead-batches", json=lead_batch_body(**told))
    assert response.status_code == 201, response.text
    return response.json()


def lead_body(**told: Any) -> dict[str, Any]:
    """The body of a lead that tells of somebody nobody knows, by name and phone."""
    person = somebody()
    said = {"id": str(new_id()), "name": person["name"], "phone": person["phone"]}
    return {**said, "claimed": "returnee", **told}


async def a_lead(client: httpx.AsyncClient, batch: dict[str, Any], **told: Any) -> dict[str, Any]:
    """Receive a lead of a batch and answer what the service says of it."""
    path = f"/v1/lead-batches/{batch['id']}/leads"
    response = await client.post(path, json=lead_body(**told))
    assert response.status_code == 201, response.text
    return response.json()


def pass_body(**told: Any) -> dict[str, Any]:
    """The body of a stranger at a checkpoint just now who showed nothing, unless told."""
    return {"id": str(new_id()), "person": somebody(), "shown": [], **told}


async def a_pass(
    client: httpx.AsyncClient, checkpoint: dict[str, Any], **told: Any
) -> dict[str, Any]:
    """Record somebody at a checkpoint and answer what the service says of it."""
    path = f"/v1/checkpoints/{checkpoint['id']}/passes"
    response = await client.post(path, json=pass_body(**told))
    assert response.status_code == 201, response.text
    return response.json()


def sample_tube_body(residents: Sequence[str], **told: Any) -> dict[str, Any]:
    """The body of a tube closed just now with the samples of these people, ten at most."""
    return {
        "id": str(new_id()),
        "code": f"QZ-{next(_SEQUENCE)}",
        "pool_size": 10 if len(residents) > 1 else 1,
        "sampled_at": clock.now().isoformat(),
        "members": [{"id": str(new_id()), "resident_id": person} for person in residents],
        **told,
    }


async def a_sample_tube(
    client: httpx.AsyncClient, residents: Sequence[str], **told: Any
) -> dict[str, Any]:
    """Record a tube and answer what the service says of it."""
    response = await client.post("/v1/sample-tubes", json=sample_tube_body(residents, **told))
    assert response.status_code == 201, response.text
    return response.json()


def vaccination_body(resident: str, **told: Any) -> dict[str, Any]:
    """The body of a first dose of an inactivated vaccine, given long ago."""
    return {
        "id": str(new_id()),
        "resident_id": resident,
        "given_on": "2021-08-01",
        "dose_number": 1,
        "technology": "inactivated",
        **told,
    }


async def a_vaccination(client: httpx.AsyncClient, resident: str, **told: Any) -> dict[str, Any]:
    """Record a dose and answer what the service says of it."""
    response = await client.post("/v1/vaccinations", json=vaccination_body(resident, **told))
    assert response.status_code == 201, response.text
    return response.json()


def validity_policy_body(**told: Any) -> dict[str, Any]:
    """The body of a validity policy in force from today, as strict as in a campaign."""
    courses = {"inactivated": (2, 3), "adenovirus_vector": (1, 2), "recombinant_protein": (3, 4)}
    courses |= {"mrna": (2, 3), "other": (2, 3)}
    return {
        "id": str(new_id()),
        "code": "health_proofs",
        "name": "健康证明的有效期",
        "legal_basis": "县防控指挥部〔2022〕9号",
        "effective_from": clock.today().isoformat(),
        "negative_test_hours": 48,
        "validity_anchor": "sampled",
        "code_state_hours": 24,
        "travel_card": {"window_days": 14, "hours": 24, "marks_risk": True},
        "courses": {
            made: {"full": full, "boosted": boosted} for made, (full, boosted) in courses.items()
        },
        "no_sampling_hours": 48,
        "retest_hours": 24,
        **told,
    }
