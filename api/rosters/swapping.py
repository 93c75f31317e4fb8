"""Two people on duty who change places: both at once, since each is taken while the other stays."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct
from api.foundation.problems import InvalidInput, NotFound, VersionMismatch
from api.rosters.hours import Span
from api.rosters.models import DutyShift
from api.rosters.people import People, people
from api.rosters.queries import shift_of
from api.rosters.schemas import ShiftSwap
from api.rosters.service import arranged, refuse_clash, tell_left, tell_shift

Pair = tuple[DutyShift, DutyShift]
_OTHER = "/body/other_shift_id"


async def swap_shifts(
    session: AsyncSession, caller: Claims, shift_id: UUID, said: ShiftSwap, *, version: int
) -> Pair:
    """Let two people stand each other's shift; hours, roles and notes stay with the shifts.

    Raises `NotFound`, `NotPermitted`, `ShiftDiscarded`, `InvalidInput`, `AlreadyOnDuty`,
    `VersionMismatch`; then both stay as they were.
    """
    pair = await _pair(session, caller, shift_id, said)
    spans = [Span(each.starts_at, each.ends_at) for each in pair]
    known = await people(session, {each.worker_id for each in pair}, spans)
    _refuse_who_left(known, pair)
    _refuse_taken(known, pair, spans)
    stands = {pair[0].id: pair[1].worker_id, pair[1].id: pair[0].worker_id}
    versions = {pair[0].id: version, pair[1].id: said.other_version}
    for shift in sorted(pair, key=lambda each: each.id):  # two who swap the same never wait in turn
        worker, former = stands[shift.id], shift.worker_id
        changes = {"worker_id": worker, "worker_name": known.names[worker]}
        correction = Correction(versions[shift.id], by=caller.worker, reason=said.reason)
        await correct(session, shift, changes, correction)
        audit(session, caller, "shifts.swap", subject=shift.id, reach=shift.reach)
        await tell_shift(session, shift)
        await tell_left(session, shift, former)
    return pair


async def _pair(session: AsyncSession, caller: Claims, shift_id: UUID, said: ShiftSwap) -> Pair:
    """Two shifts of different people that stand, at places whose roster the caller arranges."""
    shift = await shift_of(session, shift_id)
    other = await shift_of(session, said.other_shift_id, pointer=_OTHER)
    await arranged(session, caller, [shift, other])
    if shift.worker_id == other.worker_id:  # as of one shift and itself
        raise InvalidInput("两班是同一人值班，无须互换。", pointer=_OTHER)
    if other.version != said.other_version:
        raise VersionMismatch(pointer="/body/other_version", version=other.version)
    return shift, other


def _refuse_who_left(known: People, pair: Pair) -> None:
    if any(each.worker_id not in known.names for each in pair):
        raise NotFound("没有找到该人员。", pointer=_OTHER)


def _refuse_taken(known: People, pair: Pair, spans: Sequence[Span]) -> None:
    """Raise `AlreadyOnDuty` for who has a third shift within the hours that would be theirs."""
    theirs = {each.id for each in pair}
    for shift, span in zip(pair, reversed(spans), strict=True):
        refuse_clash(known, shift.worker_id, span, but=theirs, pointer=_OTHER)
