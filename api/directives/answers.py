"""What posts answer to a directive: that it was received, and what was done (M1.6)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.directives.models import Directive, DirectiveReceipt
from api.directives.queries import REPORT, directive_of
from api.directives.schemas import Acknowledgement, DirectiveReport
from api.directives.service import refuse_ended
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import CLOCK_SKEW, refuse_the_future
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotFound, NotPermitted

Answered = tuple[Directive, DirectiveReceipt]


async def acknowledge(
    session: AsyncSession, caller: Claims, directive_id: UUID, said: Acknowledgement
) -> Answered:
    """Note that a post has received it; the first time counts, sent again it stays so.

    Raises `NotFound`, `NotPermitted`, `DirectiveEnded`, `RecordedInTheFuture`, `InvalidInput`.
    """
    directive, receipt = await _owed(session, caller, directive_id, said.post_id)
    if receipt.acknowledged_at is None:
        refuse_ended(directive)
        at = _told_at(said.acknowledged_at, receipt, pointer="/body/acknowledged_at")
        receipt.acknowledged_at, receipt.acknowledged_by = at, caller.worker
        receipt.version += 1
        await _note(session, caller, "directives.acknowledge", directive, receipt)
    return directive, receipt


async def report(
    session: AsyncSession, caller: Claims, directive_id: UUID, said: DirectiveReport
) -> Answered:
    """Keep what a post reports; who reports has received it. Another report replaces it openly.

    Raises `NotFound`, `NotPermitted`, `DirectiveEnded`, `RecordedInTheFuture`, `InvalidInput`.
    """
    directive, receipt = await _owed(session, caller, directive_id, said.post_id)
    if receipt.reported_at is not None and _plain(session, receipt) == said.report:
        return directive, receipt
    refuse_ended(directive)
    at = _told_at(said.reported_at, receipt, pointer="/body/reported_at")
    sealed = None
    if said.report is not None:
        sealed = keyring_of(session).seal(said.report, context=REPORT)
    changes: dict[str, Any] = {"reported_by": caller.worker, "report_sealed": sealed}
    if receipt.reported_at is None:
        changes["reported_at"] = at
    if receipt.acknowledged_at is None:
        changes |= {"acknowledged_at": at, "acknowledged_by": caller.worker}
    await correct(session, receipt, changes, Correction(receipt.version, by=caller.worker))
    await _note(session, caller, "directives.report", directive, receipt)
    return directive, receipt


def _plain(session: AsyncSession, receipt: DirectiveReceipt) -> str | None:
    kept = receipt.report_sealed
    return None if kept is None else keyring_of(session).open(kept, context=REPORT)


def _told_at(told: datetime | None, receipt: DirectiveReceipt, *, pointer: str) -> datetime:
    if told is None:
        return clock.now()
    refuse_the_future(told, pointer=pointer)
    if told < receipt.told_at - CLOCK_SKEW:
        raise InvalidInput("不能早于指令下达的时间。", pointer=pointer)
    return told


async def _owed(
    session: AsyncSession, caller: Claims, directive_id: UUID, post_id: UUID | None
) -> Answered:
    """The directive and the locked receipt of a post: the caller's, or one they answer for."""
    directive = await directive_of(session, directive_id)
    post = post_id or caller.post
    statement = (
        select(DirectiveReceipt)
        .where(
            col(DirectiveReceipt.directive_id) == directive_id,
            col(DirectiveReceipt.post_id) == post,
        )
        .with_for_update()
    )
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    receipt = found.one_or_none()
    if receipt is None:
        pointer = None if post_id is None else "/body/post_id"
        raise NotFound("该指令没有下达给这一任职，或不在您的网格范围内。", pointer=pointer)
    own = receipt.worker_id == caller.worker
    if not own and Permission.directives_issue not in permitted(caller.role, caller.level):
        raise NotPermitted("代他人反馈须有下达指令的权限。", permission=Permission.directives_issue)
    return directive, receipt


async def _note(
    session: AsyncSession,
    caller: Claims,
    action: str,
    directive: Directive,
    receipt: DirectiveReceipt,
) -> None:
    await session.flush()
    details = {"post": str(receipt.post_id)}
    audit(session, caller, action, subject=directive.id, reach=receipt.reach, details=details)
    await tell(
        session,
        "directive.answered",
        subject=directive.id,
        reach=receipt.reach,
        grid=receipt.grid_id,
        worker=receipt.worker_id,
    )
