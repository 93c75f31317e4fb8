"""Who stands for which household: one party member, one grid worker, one representative (M1.4)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.batches import refused
from api.foundation.problems import InvalidInput, NotFound, Problem
from api.foundation.records import BatchOutcome, ItemOutcome, Outcome
from api.grids.models import Worker
from api.registry.handover import begin_bonds, end_bonds
from api.registry.models import Bond, BondKind, Household, Resident
from api.registry.problems import HouseholdLeft, NotOfThisHousehold
from api.registry.queries import common_path, household_of, open_bonds
from api.registry.schemas import BondAssign, BondBatch
from api.registry.standing import Candidates, Door, Person, candidates

_REPLACED = "更换"
_REMOVED = "解除"


async def assign_bond(
    session: AsyncSession, caller: Claims, household_id: UUID, kind: BondKind, said: BondAssign
) -> Bond:
    """Let somebody stand for a household; who stood for it until now stays on record.

    Raises `NotFound`, `HouseholdLeft`, and what keeps the person from standing for it.
    """
    household = await household_of(session, household_id, locked=True)
    if household.left_on is not None:
        raise HouseholdLeft
    person = await _person(session, household, kind, said)
    of_kind = (col(Bond.household_id) == household.id) & (col(Bond.kind) == kind)
    held = (await open_bonds(session, [household.id])).get(household.id, [])
    current = next((bond for bond in held if bond.kind is kind), None)
    if current is not None and person.id in (current.worker_id, current.resident_id):
        return current
    await end_bonds(session, of_kind, reason=_REPLACED)
    [bond] = await begin_bonds(session, [Door(household.id, household.reach, kind)], person)
    _note(session, caller, "bonds.assign", household, {"kind": kind, "person": str(person.id)})
    return bond


async def _person(
    session: AsyncSession, household: Household, kind: BondKind, said: BondAssign
) -> Person:
    """The worker or resident that is meant, fit for this kind of bond."""
    field = "resident_id" if kind is BondKind.representative else "worker_id"
    other = "worker_id" if kind is BondKind.representative else "resident_id"
    person: UUID | None = getattr(said, field)
    if person is None:
        raise InvalidInput("此项必填。", pointer=f"/body/{field}")
    if getattr(said, other) is not None:
        raise InvalidInput("此项不适用于这种责任人。", pointer=f"/body/{other}")
    if kind is not BondKind.representative:
        standing = await candidates(session, [person])
        return standing.choose(person, kind, reach=household.reach, pointer=f"/body/{field}")
    resident = await session.get(Resident, person)
    if resident is None or resident.household_id != household.id or resident.left_on is not None:
        raise NotOfThisHousehold(pointer=f"/body/{field}")
    return Person(resident.id, resident.name)


async def remove_bond(
    session: AsyncSession, caller: Claims, household_id: UUID, kind: BondKind
) -> None:
    """Nobody stands for the household in this kind any more; raises `NotFound` where nobody did."""
    household = await household_of(session, household_id, locked=True)
    of_kind = (col(Bond.household_id) == household.id) & (col(Bond.kind) == kind)
    if not await end_bonds(session, of_kind, reason=_REMOVED):
        raise NotFound("该户没有这种责任人。")
    _note(session, caller, "bonds.remove", household, {"kind": kind})


async def assign_bonds(session: AsyncSession, caller: Claims, said: BondBatch) -> BatchOutcome:
    """Let one worker stand for many households; a household that cannot be is refused alone.

    Raises `NotFound` and `NotPartyMember` where the worker can stand for none of them.
    """
    kind = BondKind(said.kind)
    standing = await candidates(session, [said.worker_id])
    if kind is BondKind.party_member or said.worker_id not in standing.workers:
        standing.choose(said.worker_id, kind, reach="", pointer="/body/worker_id")
    households = await _locked(session, said.household_ids)
    held = await open_bonds(session, households)
    doors: dict[UUID, Door] = {}
    outcomes: list[ItemOutcome] = []
    for identity in said.household_ids:
        try:
            door = _door(standing, households.get(identity), said.worker_id, kind)
        except Problem as problem:
            outcomes.append(refused(identity, problem))
            continue
        now = {bond.worker_id for bond in held.get(identity, []) if bond.kind is kind}
        new = said.worker_id not in now and identity not in doors
        outcome = Outcome.created if new else Outcome.unchanged
        outcomes.append(ItemOutcome(id=identity, outcome=outcome, problem=None))
        if new:
            doors[identity] = door
    await _replace(session, caller, doors, standing.workers[said.worker_id])
    return BatchOutcome.of(outcomes)


def _door(standing: Candidates, household: Household | None, worker: UUID, kind: BondKind) -> Door:
    if household is None or household.discarded_at is not None:
        raise NotFound("没有找到该户，或不在您的网格范围内。")
    if household.left_on is not None:
        raise HouseholdLeft
    standing.choose(worker, kind, reach=household.reach, pointer="/body/worker_id")
    return Door(household.id, household.reach, kind)


async def _locked(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Household]:
    """The households, kept from changing; always locked in the same order."""
    statement = select(Household).where(col(Household.id).in_(set(ids)))
    locked = await session.scalars(statement.order_by(col(Household.id)).with_for_update())
    return {household.id: household for household in locked}


async def _replace(
    session: AsyncSession, caller: Claims, doors: dict[UUID, Door], worker: Worker
) -> None:
    if not doors:
        return
    kind = next(iter(doors.values())).kind
    of_kind = col(Bond.household_id).in_(doors) & (col(Bond.kind) == kind)
    await end_bonds(session, of_kind, reason=_REPLACED)
    await begin_bonds(session, list(doors.values()), Person(worker.id, worker.name))
    audit(
        session,
        caller,
        "bonds.assign-many",
        subject=worker.id,
        reach=common_path(door.reach for door in doors.values()),
        details={"kind": kind, "households": [str(household) for household in doors]},
    )


def _note(
    session: AsyncSession,
    caller: Claims,
    action: str,
    household: Household,
    details: dict[str, str],
) -> None:
    audit(session, caller, action, subject=household.id, reach=household.reach, details=details)
