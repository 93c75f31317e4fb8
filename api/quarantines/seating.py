"""Who may sit on a care team: candidates, the role each serves in, and the policy's verdict.

Teams draw on workers beyond the caller's reach, so what a team needs to know of them is read
through a function of the cell's owner, and only behind `teams:arrange`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import NotFound
from api.protocols.policies import CareTeamRule, Lack, Seat, Shortfall, lacking, missing
from api.quarantines.models import CareSeat, Quarantine
from api.quarantines.problems import TeamBreaksPolicy, WorkerOverloaded, WorkerWithoutPost
from api.quarantines.team_schemas import ShortfallRead


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker who may take a seat; `persons` is how many quarantined persons they serve now."""

    worker_id: UUID
    name: str
    is_party_member: bool
    roles: tuple[Role, ...]
    persons: int


# The ids come sorted: whoever needs the same workers waits, and never in a circle.
_LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' care ' || worker, 0)) "
    "FROM unnest(CAST(:workers AS text[])) AS worker"
)
_READ = text("SELECT * FROM care_candidates(CAST(:workers AS uuid[]), :at)")


async def lock_workers(session: AsyncSession, workers: Iterable[UUID]) -> None:
    """Until the transaction ends, let nobody else seat these workers or change what they are."""
    await session.execute(_LOCK, {"workers": sorted({str(worker) for worker in workers})})


async def candidates(session: AsyncSession, workers: Iterable[UUID]) -> dict[UUID, Candidate]:
    """These workers, locked and then read; who left or never was is left out.

    The lock comes in a statement of its own: only the next one sees what others have just done.
    """
    wanted = set(workers)
    if not wanted:
        return {}
    await lock_workers(session, wanted)
    rows = await session.execute(_READ, {"workers": list(wanted), "at": clock.now()})
    return {
        row.worker_id: Candidate(
            worker_id=row.worker_id,
            name=row.name,
            is_party_member=row.is_party_member,
            roles=tuple(Role(role) for role in row.roles),
            persons=row.persons,
        )
        for row in rows
    }


def chosen(found: Mapping[UUID, Candidate], worker: UUID, *, pointer: str) -> Candidate:
    """One of the candidates; raises `NotFound` or `WorkerWithoutPost` with the field's pointer."""
    candidate = found.get(worker)
    if candidate is None:
        raise NotFound("没有找到该人员。", pointer=pointer)
    if not candidate.roles:
        raise WorkerWithoutPost(
            f"{candidate.name}没有在任职务，不能担任包保人员。",
            pointer=pointer,
            worker_id=str(worker),
        )
    return candidate


def refuse_overload(
    rule: CareTeamRule, candidate: Candidate, *, persons: int, pointer: str
) -> None:
    """Raise `WorkerOverloaded` where one more person would exceed the policy's cap."""
    cap = rule.max_persons_per_worker
    if cap is not None and persons >= cap:
        raise WorkerOverloaded(
            f"{candidate.name}已包保{persons}人，每人最多包保{cap}人，请换人。",
            pointer=pointer,
            worker_id=str(candidate.worker_id),
            worker_name=candidate.name,
            persons=persons,
            max_persons=cap,
        )


def seated(
    rule: CareTeamRule,
    staying: Collection[Seat],
    joining: Sequence[Candidate],
    *,
    pointer: str,
    exactly: bool = True,
) -> list[Seat]:
    """The seats of those who join, each in the role that the policy needs most from them.

    Raises `TeamBreaksPolicy` where the whole team would not be the policy's; unless `exactly`, it
    may be larger, as an earlier stage left it.
    """
    roles = _fitting_roles(joining, _lacking_roles(rule, staying))
    taken = [
        Seat(each.worker_id, role, each.is_party_member)
        for each, role in zip(joining, roles, strict=True)
    ]
    seats = [*staying, *taken]
    shortfalls = missing(rule, seats) if exactly else lacking(rule, seats)
    if shortfalls:
        detail = "".join(each.detail for each in shortfalls)
        raise TeamBreaksPolicy(detail, pointer=pointer, missing=told(rule, seats, shortfalls))
    return taken


def told(
    rule: CareTeamRule, seats: Collection[Seat], shortfalls: Iterable[Shortfall]
) -> list[dict[str, Any]]:
    """What is missing, as the wire says it."""
    return [shortfall_read(rule, seats, each).model_dump() for each in shortfalls]


def shortfall_read(rule: CareTeamRule, seats: Collection[Seat], lack: Shortfall) -> ShortfallRead:
    """One thing that is missing: how many are needed, and how many there are."""
    people = {seat.worker_id: seat for seat in seats}.values()
    have = {
        Lack.too_few: len(people),
        Lack.too_many: len(people),
        Lack.same_person: len(people),
        Lack.party_members: sum(seat.is_party_member for seat in people),
        Lack.role: sum(seat.role is lack.role for seat in people),
    }
    needed = {
        Lack.party_members: rule.min_party_members,
        Lack.role: rule.role_minima[lack.role] if lack.role else 0,
    }
    return ShortfallRead(
        kind=lack.lack,
        role=lack.role,
        needed=needed.get(lack.lack, rule.size),
        have=have[lack.lack],
        detail=lack.detail,
    )


def _lacking_roles(rule: CareTeamRule, staying: Iterable[Seat]) -> list[Role]:
    lacking = Counter(dict(rule.role_minima)) - Counter(seat.role for seat in staying)
    return list(lacking.elements())


def _fitting_roles(joining: Sequence[Candidate], lacking: Sequence[Role]) -> list[Role]:
    """Fill as many lacking roles as can be; whoever is not needed so serves in their first role."""
    filled: dict[int, int] = {}

    def fill(person: int, tried: set[int]) -> bool:
        for place, role in enumerate(lacking):
            if role in joining[person].roles and place not in tried:
                tried.add(place)
                if place not in filled or fill(filled[place], tried):
                    filled[place] = person
                    return True
        return False

    for person in range(len(joining)):
        fill(person, set())
    needed = {person: lacking[place] for place, person in filled.items()}
    return [needed.get(person, each.roles[0]) for person, each in enumerate(joining)]


def seat_row(
    quarantine: Quarantine, candidate: Candidate, seat: Seat, *, id_: UUID, at: datetime
) -> CareSeat:
    """The seat as it is kept: name, role and party membership as they are now."""
    return CareSeat(
        id=id_,
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        household_id=quarantine.household_id,
        resident_id=quarantine.resident_id,
        worker_id=candidate.worker_id,
        worker_name=candidate.name,
        role=seat.role,
        is_party_member=seat.is_party_member,
        began_at=at,
    )
