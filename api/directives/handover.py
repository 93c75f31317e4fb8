"""What becomes of unanswered directives when a post ends: the successor answers them (M1.7)."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.directives.models import Directive, DirectiveReceipt, DirectiveStatus
from api.directives.queries import unanswered
from api.foundation.corrections import Correction, correct
from api.grids.handover import Handover, Leaving, counts_duties, on_handover
from api.grids.models import Post
from api.grids.queries import holders

DIRECTIVES = "directives"


async def _unanswered(session: AsyncSession, leaving: Leaving) -> Sequence[DirectiveReceipt]:
    statement = (
        select(DirectiveReceipt)
        .join(Directive, col(Directive.id) == DirectiveReceipt.directive_id)
        .where(
            col(DirectiveReceipt.post_id) == leaving.post,
            col(Directive.status) == DirectiveStatus.issued,
            unanswered(),
        )
    )
    return (await session.scalars(statement)).all()


@counts_duties(DIRECTIVES)
async def open_receipts(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """How many directives a post has not answered; they can also be answered on its behalf."""
    return {DIRECTIVES: len(await _unanswered(session, leaving))}


@on_handover(DIRECTIVES)
async def pass_receipts(
    session: AsyncSession, caller: Claims, handover: Handover
) -> dict[str, int]:
    """Let the successor's post answer them, unless it was told of the same directive itself."""
    receipts = await _unanswered(session, handover)
    if not receipts:
        return {DIRECTIVES: 0}
    post = await _successors_post(session, handover)
    name = (await holders(session, [post]))[post.id]
    told = select(col(DirectiveReceipt.directive_id)).where(
        col(DirectiveReceipt.post_id) == post.id
    )
    known = set(await session.scalars(told))
    passed = [receipt for receipt in receipts if receipt.directive_id not in known]
    for receipt in passed:
        whose = {"post_id": post.id, "worker_id": post.worker_id, "worker_name": name}
        changes = {**whose, "reminded_at": None}  # the successor has not been reminded
        correction = Correction(receipt.version, by=caller.worker, reason=handover.reason)
        await correct(session, receipt, changes, correction)
    return {DIRECTIVES: len(passed)}


async def _successors_post(session: AsyncSession, handover: Handover) -> Post:
    """The same post in the successor's hands; it was given before duties are passed on."""
    statement = select(Post).where(
        col(Post.worker_id) == handover.successor,
        col(Post.grid_id) == handover.grid,
        col(Post.role) == handover.role,
        col(Post.ended_at).is_(None),
    )
    return (await session.scalars(statement)).one()
