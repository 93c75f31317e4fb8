"""Registering and correcting the people who serve in the net."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import column, table
from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.accounts import follow_phone
from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.batches import Unread
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import NotFound
from api.foundation.records import BatchOutcome, Proposal, create_once
from api.foundation.sealed import Keyring
from api.grids.batch import keep_each
from api.grids.handover import check_leaving_the_party
from api.grids.models import Grid, Worker
from api.grids.people import grids_within, posts_held, worker_in_reach
from api.grids.people_schemas import WorkerCorrect, WorkerRegister
from api.grids.problems import GridClosed, WorkerStillServes
from api.grids.queries import open_grid_in_reach

RESIDENTS = table("residents", column("id"))
"""The register's people, as far as workers are concerned; their room lies above this one."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What registrations stand on, looked up once for all workers of a request."""

    grids: Mapping[UUID, Grid]
    residents: set[UUID]
    kept: Mapping[UUID, Worker]
    keyring: Keyring


async def register_worker(
    session: AsyncSession, caller: Claims, said: WorkerRegister
) -> tuple[Worker, bool]:
    """Register somebody at a grid in reach. Raises `PhoneTaken` for a number of somebody else."""
    row = _drafted(await _survey(session, [said]), said)
    worker, created = await create_once(session, Proposal(said, row))
    if created:
        audit(session, caller, "workers.register", subject=worker.id, reach=worker.reach)
    return worker, created


async def register_workers(
    session: AsyncSession, caller: Claims, items: Sequence[WorkerRegister | Unread]
) -> BatchOutcome:
    """Register many in a handful of statements; outcomes in the order given."""
    ground = await _survey(session, [item for item in items if not isinstance(item, Unread)])

    def drafted(said: WorkerRegister) -> Worker:
        return _drafted(ground, said)

    return await keep_each(session, caller, "workers.register", items, drafted=drafted)


async def _survey(session: AsyncSession, said: Sequence[WorkerRegister]) -> Ground:
    kept = select(Worker).where(col(Worker.id).in_([each.id for each in said]))
    return Ground(
        grids=await grids_within(session, {each.grid_id for each in said}),
        residents=await _residents(session, {each.resident_id for each in said}),
        kept={worker.id: worker for worker in await session.scalars(kept)},
        keyring=keyring_of(session),
    )


async def _residents(session: AsyncSession, wanted: set[UUID | None]) -> set[UUID]:
    named = wanted - {None}
    if not named:
        return set()
    return set(await session.scalars(pick(RESIDENTS.c.id).where(RESIDENTS.c.id.in_(named))))


def _drafted(ground: Ground, said: WorkerRegister) -> Worker:
    if said.id in ground.kept:
        return ground.kept[said.id]
    grid = ground.grids.get(said.grid_id)
    if grid is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/body/grid_id")
    if grid.closed_at is not None:
        raise GridClosed(pointer="/body/grid_id")
    if said.resident_id is not None and said.resident_id not in ground.residents:
        raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer="/body/resident_id")
    return Worker(
        id=said.id,
        reach=grid.path,
        grid_id=grid.id,
        name=said.name,
        is_party_member=said.is_party_member,
        resident_id=said.resident_id,
        **_phone(ground.keyring, said.phone),
    )


def _phone(keyring: Keyring, phone: str | None) -> dict[str, Any]:
    if phone is None:
        return {"phone_sealed": None, "phone_lookup": None}
    return {
        "phone_sealed": keyring.seal(phone, context="workers.phone"),
        "phone_lookup": keyring.lookup(phone, context="phone"),
    }


async def correct_worker(
    session: AsyncSession, caller: Claims, worker_id: UUID, said: WorkerCorrect, *, version: int
) -> Worker:
    """Put right what was sent; the former version is kept.

    Raises `WorkerStillServes` for somebody said to have left who holds posts, `RecordedInTheFuture`
    for who is yet to leave, `InvalidInput` where nothing is put right, and whatever a room above
    says against their leaving the party, or for good (`handover.before_leaving_the_party`).
    """
    worker = await worker_in_reach(session, worker_id)
    changes = await _changes(session, worker, said)
    correction = Correction(version=version, by=caller.worker, reason=said.reason)
    await correct(session, worker, changes, correction)
    if changes.keys() & {"phone_lookup", "left_at"}:
        in_use = worker.phone_lookup if worker.left_at is None else None
        await follow_phone(session, worker.id, in_use)
    if changes.get("is_party_member") is False or changes.get("left_at") is not None:
        await check_leaving_the_party(session, worker.id)  # nor does who left stand for a door
    details = {"fields": sorted(said.model_fields_set - {"reason"})}
    audit(
        session, caller, "workers.correct", subject=worker.id, reach=worker.reach, details=details
    )
    return worker


async def _changes(session: AsyncSession, worker: Worker, said: WorkerCorrect) -> dict[str, Any]:
    told = told_in(said)
    changes = {name: getattr(said, name) for name in told - {"phone"}}
    if "phone" in told:
        changes |= _phone(keyring_of(session), said.phone)
    if "grid_id" in changes:
        grid = await open_grid_in_reach(session, said.grid_id, pointer="/body/grid_id")
        changes["reach"] = grid.path
    if said.resident_id is not None and not await _residents(session, {said.resident_id}):
        raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer="/body/resident_id")
    if said.left_at is not None:
        refuse_the_future(said.left_at, pointer="/body/left_at")
        if posts := await posts_held(session, worker.id, to_come=True):
            raise WorkerStillServes(posts=len(posts))
    return changes
