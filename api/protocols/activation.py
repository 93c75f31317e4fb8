"""Putting a protocol in force and out of it: from a day on, never in what it says."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import NotFound
from api.protocols.clocks import clocks
from api.protocols.documents import ProtocolDocument
from api.protocols.faults import Known, of_document, refuse
from api.protocols.models import (
    WHOLE_CELL,
    CareTeamPolicy,
    MonitoringPolicy,
    Protocol,
    ProtocolStatus,
)
from api.protocols.problems import PolicyOutOfOrder, ProtocolNotADraft, ProtocolRetired

_DAY = timedelta(days=1)


async def activate_protocol(
    session: AsyncSession, caller: Claims, protocol_id: UUID, version: int
) -> Protocol:
    """Put a draft in force from its day on; the revision before it ends the day before.

    Running quarantines stay on the revision they began with. Raises `NotFound`,
    `ProtocolNotADraft`, `VersionMismatch`, `InvalidInput` with what is wrong in the document by
    today's rules, and `PolicyOutOfOrder` where a revision that begins on
    the same day or later is in force already.
    """
    protocol = await locked(session, protocol_id)
    if protocol.status is not ProtocolStatus.draft:
        raise ProtocolNotADraft
    # It may be a draft of before, or a copy of one: what is looked for may be more by now.
    await refuse_faults(session, ProtocolDocument.model_validate(protocol.document))
    former = await _in_force_from(session, protocol)
    for each in former:
        await _end(session, caller, each, ends_on=protocol.effective_from - _DAY)
    changes = {
        "status": ProtocolStatus.active,
        "activated_at": clock.now(),
        "activated_by": caller.worker,
        "supersedes_id": former[-1].id if former else None,
    }
    await correct(session, protocol, changes, Correction(version, by=caller.worker))
    audit(session, caller, "protocols.activate", subject=protocol.id, reach=WHOLE_CELL)
    return protocol


async def refuse_faults(session: AsyncSession, document: ProtocolDocument) -> None:
    """Raise `InvalidInput` with every fault of a document, given the policies that there are."""
    monitoring = await session.scalars(select(col(MonitoringPolicy.code)).distinct())
    care_teams = await session.scalars(select(col(CareTeamPolicy.code)).distinct())
    known = Known(set(monitoring), set(care_teams), await clocks(session))
    refuse(of_document(document, known))


async def retire_protocol(
    session: AsyncSession, caller: Claims, protocol_id: UUID, reason: str
) -> Protocol:
    """Take a protocol out of use: yesterday was its last day; a draft was never in force.

    Running quarantines stay on it. Raises `NotFound`, `ProtocolRetired`.
    """
    protocol = await locked(session, protocol_id)
    if protocol.status is ProtocolStatus.retired:
        raise ProtocolRetired
    changes = {
        "status": ProtocolStatus.retired,
        "retired_at": clock.now(),
        "retired_by": caller.worker,
        "retired_reason": reason,
        "effective_to": _last_day(protocol),
    }
    correction = Correction(protocol.version, by=caller.worker, reason=reason)
    await correct(session, protocol, changes, correction)
    audit(session, caller, "protocols.retire", subject=protocol.id, reach=WHOLE_CELL)
    return protocol


def _last_day(protocol: Protocol) -> date:
    """Yesterday, or where it had ended or not begun by then, the day that leaves no further one."""
    ended = min(clock.today() - _DAY, protocol.effective_to or date.max)
    return max(ended, protocol.effective_from - _DAY)


async def locked(session: AsyncSession, protocol_id: UUID) -> Protocol:
    """One revision as it stands, held until the transaction ends; raises `NotFound`."""
    statement = (
        select(Protocol)
        .where(col(Protocol.id) == protocol_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    protocol = (await session.scalars(statement)).one_or_none()
    if protocol is None:
        raise NotFound
    return protocol


async def _in_force_from(session: AsyncSession, protocol: Protocol) -> Sequence[Protocol]:
    """Revisions of its code that are in force on its first day or later; they must begin before.

    One that was withdrawn before its day has no day in force.
    """
    ended_on = col(Protocol.effective_to)
    least = func.greatest(col(Protocol.effective_from), protocol.effective_from)
    statement = (
        select(Protocol)
        .where(
            col(Protocol.code) == protocol.code,
            col(Protocol.activated_at).is_not(None),
            ended_on.is_(None) | (ended_on >= least),
        )
        .order_by(col(Protocol.revision))
        .with_for_update()
    )
    former = (await session.scalars(statement)).all()
    if any(each.effective_from >= protocol.effective_from for each in former):
        raise PolicyOutOfOrder
    return former


async def _end(session: AsyncSession, caller: Claims, protocol: Protocol, *, ends_on: date) -> None:
    correction = Correction(protocol.version, by=caller.worker)
    await correct(session, protocol, {"effective_to": ends_on}, correction)
