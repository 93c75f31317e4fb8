"""The invented township as the service is told of it: one request body for each record."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from api.access.permissions import Role
from api.demo.chance import Chance
from api.demo.families import Household, Resident
from api.demo.quarantines import Quarantine, Stay
from api.demo.readings import Measurement
from api.demo.township import Grid, Post, Worker
from api.demo.visits import Visit
from api.foundation import clock
from api.foundation.fields import Datum
from api.foundation.identity import DocumentKind

Body = dict[str, Any]

_LEGAL_BASIS = "青竹乡疫情防控指挥部〔演示〕2号"
_MINUTES_TO_WRITE_IT_DOWN = timedelta(minutes=4)


def grid_body(grid: Grid, *, opened_on: date) -> Body:
    return {
        "opened_on": opened_on.isoformat(),
        "id": str(grid.id),
        "parent_id": str(grid.parent_id),
        "code": grid.code,
        "name": grid.name,
        "kind": grid.kind,
    }


def worker_body(worker: Worker) -> Body:
    return {
        "id": str(worker.id),
        "grid_id": str(worker.grid_id),
        "name": worker.name,
        "phone": worker.phone,
        "is_party_member": worker.is_party_member,
    }


def post_body(post: Post, *, began_at: datetime) -> Body:
    return {
        "began_at": began_at.isoformat(),
        "id": str(post.id),
        "worker_id": str(post.worker.id),
        "grid_id": str(post.grid_id),
        "role": post.role,
        "title": post.title,
    }


def representative_bodies(household: Household, *, worker: UUID, post: UUID) -> tuple[Body, Body]:
    """The representative as one who can sign in: a worker, with a post at the own household."""
    person = next(each for each in household.residents if each.id == household.representative)
    as_worker = {
        "id": str(worker),
        "grid_id": str(household.grid_id),
        "name": person.name,
        "phone": person.phone,
        "resident_id": str(person.id),
    }
    return as_worker, {
        "id": str(post),
        "worker_id": str(worker),
        "grid_id": str(household.grid_id),
        "role": Role.household_representative,
        "household_id": str(household.id),
        "title": "户代表",
    }


def household_body(household: Household, *, by: Worker, at: datetime) -> Body:
    """A household as its hamlet's head wrote it down on a day before everything else."""
    bonds = {
        "party_member_id": household.party_member,
        "grid_worker_id": household.grid_worker,
        "representative_id": household.representative,
    }
    return {
        "id": str(household.id),
        "grid_id": str(household.grid_id),
        "name": household.name,
        "address": household.address,
        "residents": [_resident_body(resident) for resident in household.residents],
        **{name: str(person) for name, person in bonds.items() if person is not None},
        "recorded_at": at.isoformat(),
        "performed_by": str(by.id),
        "source": "visit",
    }


def _resident_body(resident: Resident) -> Body:
    return {
        "id": str(resident.id),
        "name": resident.name,
        "document_kind": DocumentKind.resident_identity,
        "document": resident.identity_number,
        "phone": resident.phone,
        "relation": resident.relation,
        "registration": resident.registration,
        "is_party_member": resident.is_party_member,
        "mobility_limited": resident.mobility_limited,
        "lives_alone": resident.lives_alone,
    }


def seats(quarantine: Quarantine, chance: Chance) -> list[Body]:
    """The team, each with the id of the seat."""
    return [
        {"id": str(chance.id("seat", quarantine.number, place)), "worker_id": str(post.worker.id)}
        for place, post in enumerate(quarantine.team)
    ]


def quarantine_body(quarantine: Quarantine, chance: Chance) -> Body:
    midnight, _ = clock.day_bounds(quarantine.started_on)
    return {
        "id": str(quarantine.id),
        "resident_id": str(quarantine.resident.id),
        "reason": quarantine.reason,
        "category": "home_quarantine",
        "place_kind": "home",
        "started_on": quarantine.started_on.isoformat(),
        "planned_end_on": quarantine.last_on.isoformat(),
        "legal_basis": _LEGAL_BASIS,
        "team": seats(quarantine, chance),
        "recorded_at": (midnight + timedelta(hours=6)).isoformat(),
        "performed_by": str(quarantine.carers[0].id),
    }


def stay_body(stay: Stay, *, by: Worker) -> Body:
    return {
        "id": str(stay.id),
        "kind": stay.kind,
        "since_at": stay.since.isoformat(),
        "destination": stay.destination,
        "note": stay.note,
        "recorded_at": (stay.since + _MINUTES_TO_WRITE_IT_DOWN).isoformat(),
        "performed_by": str(by.id),
    }


def round_body(chance: Chance, made: Sequence[Measurement]) -> Body:
    """What came of one window of one day: the temperatures, and who could not be measured."""
    first = made[0]
    untaken = [
        {"quarantine_id": str(each.quarantine.id), "not_measured": each.not_taken}
        for each in made
        if each.not_taken is not None
    ]
    return {
        "id": str(chance.id("round", first.day, first.window, first.is_late)),
        "measured_at": min(each.at for each in made).isoformat(),
        "window": first.window,
        "performed_by": str(first.by.id),
        "exceptions": untaken,
        "readings": [reading_body(each) for each in made if each.not_taken is None],
    }


def reading_body(made: Measurement) -> Body:
    return {
        "id": str(made.id),
        "quarantine_id": str(made.quarantine.id),
        "value_c": made.value_c,
        "method": made.method,
        "symptoms": made.symptoms,
        "measured_at": made.at.isoformat(),
        "window": made.window,
        "note": made.note,
        "recorded_at": made.at.isoformat(),
        "performed_by": str(made.by.id),
        "source": "visit",
    }


def visit_body(visit: Visit) -> Body:
    return {
        "id": str(visit.id),
        "household_id": str(visit.household.id),
        "mode": visit.mode,
        "outcome": visit.outcome,
        "purposes": visit.purposes,
        "needs": visit.needs,
        "findings": visit.findings,
        "visited_at": visit.at.isoformat(),
        "place": _place(visit.place),
        "recorded_at": visit.at.isoformat(),
        "performed_by": str(visit.by.id),
        "source": visit.mode,
    }


def _place(place: tuple[float, float] | None) -> Body | None:
    if place is None:
        return None
    latitude, longitude = place
    return {"latitude": latitude, "longitude": longitude, "datum": Datum.gcj02, "accuracy_m": 15}
