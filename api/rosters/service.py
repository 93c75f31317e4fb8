"""Arranging duty, one shift or a whole roster, so that nobody is at two places at once (M2.8)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit, audit_by_grid
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.batches import Unread, draft_each, readable
from api.foundation.corrections import Correction, correct
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import BatchOutcome, Outcome, Proposal, create_all, create_once
from api.rosters.hours import LONGEST_SHIFT, Booked, Span
from api.rosters.models import DutyShift
from api.rosters.people import People, people
from api.rosters.places import Manned, no_such_place, places
from api.rosters.problems import AlreadyOnDuty, PlaceNotOpen, ShiftDiscarded
from api.rosters.queries import shift_of
from api.rosters.schemas import ShiftCorrect, ShiftDiscard, ShiftRecord

_EARLIEST = timedelta(days=31)
_LATEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Ground:
    """What shifts stand on: places, people with their hours, and which shifts are kept already."""

    places: Mapping[UUID, Manned]
    people: People
    kept: Collection[UUID]


async def survey(session: AsyncSession, said: Sequence[ShiftRecord]) -> Ground:
    """Look up everything that these shifts refer to; their people are locked before."""
    spans = [Span(each.starts_at, each.ends_at) for each in said]
    found = await places(session, {each.place_id for each in said}, held=True)
    known = await people(session, {each.worker_id for each in said}, spans)
    ids = {each.id for each in said}
    kept = await session.scalars(select(DutyShift.id).where(col(DutyShift.id).in_(ids)))
    return Ground(found, known, set(kept))


def propose(
    ground: Ground, caller: Claims, said: ShiftRecord, *, within: str
) -> Proposal[DutyShift]:
    """The shift as it would be kept; its hours are its person's from here on.

    Raises `NotFound`, `NotPermitted`, `InvalidInput`, `PlaceNotOpen` and `AlreadyOnDuty` with
    pointers below `within`.
    """
    manned = ground.places.get(said.place_id)
    if manned is None:
        raise no_such_place(f"{within}/place_id")
    manned.refuse_unless_arranged_by(caller)
    if said.worker_id not in ground.people.names:
        raise NotFound("没有找到该人员。", pointer=f"{within}/worker_id")
    row = DutyShift(
        **said.model_dump(),
        version=1,
        place_kind=manned.kind,
        place_name=manned.place.name,
        grid_id=manned.place.grid_id,
        reach=manned.place.reach,
        worker_name=ground.people.names[said.worker_id],
        arranged_at=clock.now(),
        arranged_by=caller.worker,
        discarded_at=None,
    )
    if said.id not in ground.kept:
        _book(ground, row, manned, within=within)
    return Proposal(said, row)


def _book(ground: Ground, row: DutyShift, manned: Manned, *, within: str) -> None:
    span = Span(row.starts_at, row.ends_at)
    refuse_odd_hours(span, within=within)
    refuse_unless_open(manned, span, pointer=f"{within}/place_id")
    refuse_clash(ground.people, row.worker_id, span, but={row.id}, pointer=f"{within}/worker_id")
    ground.people.booked[row.worker_id].append(Booked(span.starts_at, span.ends_at, row.id))


def refuse_odd_hours(span: Span, *, within: str) -> None:
    """Raise `InvalidInput` for a shift that ends before it begins, is too long, or far away."""
    if span.ends_at <= span.starts_at:
        raise InvalidInput("下班时间须晚于上班时间。", pointer=f"{within}/ends_at")
    if span.ends_at - span.starts_at > LONGEST_SHIFT:
        raise InvalidInput("一班最长 24 小时，请分成几班。", pointer=f"{within}/ends_at")
    if not -_EARLIEST <= span.starts_at - clock.now() <= _LATEST:
        raise InvalidInput("上班时间应在一个月前至一年后之间。", pointer=f"{within}/starts_at")


def refuse_unless_open(manned: Manned, span: Span, *, pointer: str) -> None:
    """Raise `PlaceNotOpen` where the place is not open for the whole of a span."""
    closed_at = manned.place.closed_at
    if span.starts_at < manned.place.opened_at or (closed_at and span.ends_at > closed_at):
        raise PlaceNotOpen(pointer=pointer)


def refuse_clash(
    known: People, worker: UUID, span: Span, *, but: Collection[UUID], pointer: str
) -> None:
    """Raise `AlreadyOnDuty` with the hours for which somebody is taken, and not where."""
    taken = known.clash(worker, span, but=but)
    if taken is not None:
        hours = {"starts_at": taken.starts_at.isoformat(), "ends_at": taken.ends_at.isoformat()}
        raise AlreadyOnDuty(
            f"{known.names[worker]}在这一时段已排有其他值班。", pointer=pointer, **hours
        )


async def record_shift(
    session: AsyncSession, caller: Claims, said: ShiftRecord
) -> tuple[DutyShift, bool]:
    """Put one shift on the roster; returns it and whether it is new.

    Raises `RecordDiffers`, and what `propose` raises.
    """
    proposal = propose(await survey(session, [said]), caller, said, within="/body")
    shift, created = await create_once(session, proposal)
    if created:
        audit(session, caller, "shifts.record", subject=shift.id, reach=shift.reach)
        await tell_shift(session, shift)
    return shift, created


async def record_shifts(
    session: AsyncSession, caller: Claims, said: Sequence[ShiftRecord | Unread]
) -> BatchOutcome:
    """Put many shifts on the roster, each with its own outcome, in the order sent."""
    ground = await survey(session, readable(said))
    proposals, outcomes = await draft_each(
        said, lambda each, within: propose(ground, caller, each, within=within)
    )
    kept = await create_all(session, list(proposals.values()))
    outcomes |= dict(zip(proposals, kept, strict=True))
    created = (at for at in proposals if outcomes[at].outcome is Outcome.created)
    new = [proposals[at].row for at in created]
    audit_by_grid(session, caller, "shifts.record_all", new, counted="shifts")
    for shift in {each.worker_id: each for each in new}.values():
        await tell_shift(session, shift)
    return BatchOutcome.of([outcomes[at] for at in range(len(said))])


async def tell_shift(session: AsyncSession, shift: DutyShift) -> None:
    """Tell whoever is to be there: their day has changed."""
    await tell(
        session,
        "duties.changed",
        subject=shift.id,
        grid=shift.grid_id,
        reach=shift.reach,
        worker=shift.worker_id,
    )


async def correct_shift(
    session: AsyncSession, caller: Claims, shift_id: UUID, said: ShiftCorrect, *, version: int
) -> DutyShift:
    """Change who is on duty, or when; the former version is kept.

    Raises `NotFound`, `NotPermitted`, `ShiftDiscarded`, `InvalidInput`, `PlaceNotOpen`,
    `AlreadyOnDuty`, `VersionMismatch`.
    """
    shift = await shift_of(session, shift_id)
    manned = await arranged(session, caller, [shift])
    former = shift.worker_id
    told = said.model_fields_set - {"reason"}
    if not told:
        raise InvalidInput("没有要更改的内容。", pointer="/body")
    changes: dict[str, Any] = said.model_dump(include=told)
    if told & {"worker_id", "starts_at", "ends_at"}:
        changes |= await _rebooked(session, shift, manned[shift.place_id], changes)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, shift, changes, correction)
    audit(session, caller, "shifts.correct", subject=shift.id, reach=shift.reach)
    await tell_shift(session, shift)
    if former != shift.worker_id:
        await tell_left(session, shift, former)
    return shift


async def tell_left(session: AsyncSession, shift: DutyShift, former: UUID) -> None:
    """Tell whoever was to be there: somebody else is."""
    await tell(session, "duties.changed", subject=shift.id, reach=shift.reach, worker=former)


async def _rebooked(
    session: AsyncSession, shift: DutyShift, manned: Manned, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The name of who is on duty from now on; raises where person or place are not free then."""
    worker: UUID = changes.get("worker_id", shift.worker_id)
    starts_at = changes.get("starts_at", shift.starts_at)
    span = Span(starts_at, changes.get("ends_at", shift.ends_at))
    refuse_odd_hours(span, within="/body")
    refuse_unless_open(manned, span, pointer="/body/starts_at")
    known = await people(session, {worker}, [span])
    if worker not in known.names:
        raise NotFound("没有找到该人员。", pointer="/body/worker_id")
    refuse_clash(known, worker, span, but={shift.id}, pointer="/body/worker_id")
    return {"worker_name": known.names[worker]}


async def discard_shift(
    session: AsyncSession, caller: Claims, shift_id: UUID, said: ShiftDiscard, *, version: int
) -> DutyShift:
    """Take a shift off the roster; it stays readable.

    Raises `NotFound`, `NotPermitted`, `ShiftDiscarded`, `VersionMismatch`.
    """
    shift = await shift_of(session, shift_id)
    await arranged(session, caller, [shift])
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, shift, {"discarded_at": clock.now()}, correction)
    audit(session, caller, "shifts.discard", subject=shift.id, reach=shift.reach)
    await tell_shift(session, shift)
    return shift


async def arranged(
    session: AsyncSession, caller: Claims, shifts: Sequence[DutyShift]
) -> Mapping[UUID, Manned]:
    """The places of shifts, held, whose roster is the caller's to arrange.

    Raises `NotFound`, `NotPermitted`, and `ShiftDiscarded` for one that does not stand.
    """
    found = await places(session, {each.place_id for each in shifts}, held=True)
    for shift in shifts:
        if shift.place_id not in found:
            raise no_such_place("/path/shift_id")
        found[shift.place_id].refuse_unless_arranged_by(caller)
        if shift.discarded_at is not None:
            raise ShiftDiscarded
    return found
