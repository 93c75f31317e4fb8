"""Issuing directives down a subtree, moving their deadline, closing and withdrawing them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.permissions import Permission, roles_with
from api.access.tokens import Claims
from api.directives.lateness import no_longer_late
from api.directives.models import Directive, DirectiveReceipt, DirectiveStatus
from api.directives.problems import DirectiveEnded, NobodyToTell
from api.directives.queries import directive_of
from api.directives.schemas import DirectiveChange, DirectiveEnd, DirectiveIssue
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import InvalidInput, OutsideYourGrid, VersionMismatch
from api.foundation.records import Proposal, create_once
from api.grids.models import Grid, Post
from api.grids.problems import GridClosed
from api.grids.queries import grid_in_reach

ANSWERING = roles_with(Permission.directives_read)
"""Who can answer at all: an order is not sent to whom the service shows none."""

SENT = """
    sent AS (
        INSERT INTO directive_receipts (
            id, version, reach, directive_id, post_id, worker_id, worker_name, role, grid_id,
            told_at
        )
        SELECT gen_random_uuid(), 1, a.reach, a.directive_id, a.id, a.worker_id, h.name, a.role,
            a.grid_id, {at}
        FROM addressed AS a JOIN holders(ARRAY(SELECT id FROM addressed)) AS h ON h.post_id = a.id
        ON CONFLICT (directive_id, post_id) DO NOTHING
        RETURNING directive_id, grid_id, worker_id, reach
    )
    SELECT tell('directive.issued', directive_id, grid_id, NULL, worker_id, reach, {at}) FROM sent
"""
"""What is owed by each of the posts `addressed`, and that they are told; nobody is told twice."""

_SEND = text(f"""
    WITH addressed AS (
        SELECT CAST(:directive AS uuid) AS directive_id,
            p.id, p.worker_id, p.role, p.grid_id, p.reach
        FROM posts AS p JOIN grids AS g ON g.id = p.grid_id
        WHERE p.reach >= CAST(:path AS text) AND p.reach < CAST(:path AS text) || '/'
            AND p.began_at <= :at AND (p.ended_at IS NULL OR p.ended_at > :at)
            AND p.role = ANY (CAST(:roles AS text[])) AND p.id <> :issuer
            AND (cardinality(CAST(:levels AS integer[])) = 0
                OR g.level = ANY (CAST(:levels AS integer[])))
    ), {SENT.format(at=":at")}
""")
_TELL_ALL = text("""
    SELECT tell('duties.changed', directive_id, grid_id, NULL, worker_id, reach, :at)
    FROM directive_receipts WHERE directive_id = :directive
""")
_DEEDS = {
    DirectiveStatus.closed: "directives.close",
    DirectiveStatus.withdrawn: "directives.withdraw",
}
_NAME = text("SELECT name FROM holders(ARRAY[CAST(:post AS uuid)])")


async def issue_directive(
    session: AsyncSession, caller: Claims, said: DirectiveIssue
) -> tuple[Directive, bool]:
    """Order it to every matching post of the subtree but the issuer's own (M1.6); sent twice, once.

    Raises `NotFound`, `GridClosed`, `NobodyToTell`, `InvalidInput`, `RecordDiffers`.
    """
    grid = await grid_in_reach(session, said.grid_id, pointer="/body/grid_id")
    row = Directive(
        **said.model_dump(),
        reach=grid.path,
        status=DirectiveStatus.issued,
        issued_at=clock.now(),
        issued_by=caller.worker,
        issuer_name=(await session.scalars(_NAME, {"post": caller.post})).one(),
        issued_post=caller.post,
    )
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        _refuse_past(said.deadline_at)
        posts = await _send(session, kept, grid)
        details = {"posts": posts}
        audit(
            session, caller, "directives.issue", subject=kept.id, reach=kept.reach, details=details
        )
    return kept, created


async def _send(session: AsyncSession, directive: Directive, grid: Grid) -> int:
    if grid.closed_at is not None:
        raise GridClosed(pointer="/body/grid_id")
    roles = [role for role in directive.roles or ANSWERING if role in ANSWERING]
    told = {
        "directive": directive.id,
        "issuer": directive.issued_post,
        "path": grid.path,
        "levels": directive.levels,
        "roles": [str(role) for role in roles],
        "at": directive.issued_at,
    }
    posts = len((await session.execute(_SEND, told)).all())
    if posts == 0:
        raise NobodyToTell
    return posts


def _refuse_past(deadline: datetime) -> None:
    if deadline <= clock.now():
        raise InvalidInput("反馈期限须晚于现在。", pointer="/body/deadline_at")


async def change_directive(
    session: AsyncSession,
    caller: Claims,
    directive_id: UUID,
    said: DirectiveChange,
    *,
    version: int,
) -> Directive:
    """Move the deadline openly; who has not answered is reminded, and told of, for it anew.

    Raises `VersionMismatch`, `DirectiveEnded`, `InvalidInput`, `OutsideYourGrid`, `NotFound`.
    """
    directive = await _of_ones_own(session, directive_id)
    refuse_ended(directive)
    if directive.version != version:
        raise VersionMismatch(version=directive.version)
    changes = said.model_dump(include=said.model_fields_set - {"reason"})
    correction = Correction(version, by=caller.worker, reason=said.reason)
    if "deadline_at" in changes:
        _refuse_past(said.deadline_at)
        await no_longer_late(session, directive, why=f"反馈期限已变更：{said.reason}")
        await session.execute(
            update(DirectiveReceipt)
            .where(col(DirectiveReceipt.directive_id) == directive.id)
            .values(reminded_at=None, overdue_told_at=None)
            .execution_options(synchronize_session=False)
        )
    await correct(session, directive, changes, correction)
    await _note(session, caller, "directives.change", directive)
    return directive


async def end_directive(
    session: AsyncSession,
    caller: Claims,
    directive_id: UUID,
    said: DirectiveEnd,
    *,
    status: DirectiveStatus,
) -> Directive:
    """Close or withdraw it: it asks nothing more. Done so already, it stays as it is.

    Raises `DirectiveEnded` where it ended the other way, `OutsideYourGrid`, `NotFound`.
    """
    directive = await _of_ones_own(session, directive_id)
    if directive.status is status:
        return directive
    refuse_ended(directive)
    ending = {"status": status, "ended_at": clock.now(), "ended_by": caller.worker}
    correction = Correction(directive.version, by=caller.worker, reason=said.reason)
    await correct(session, directive, {**ending, "ended_reason": said.reason}, correction)
    await no_longer_late(session, directive, why=f"指令{status.label}：{said.reason}")
    await _note(session, caller, _DEEDS[status], directive)
    return directive


def refuse_ended(directive: Directive) -> None:
    """Raise `DirectiveEnded` for one that asks nothing more."""
    if directive.status is not DirectiveStatus.issued:
        raise DirectiveEnded(state=directive.status.value)


async def _of_ones_own(session: AsyncSession, directive_id: UUID) -> Directive:
    """A locked directive that the caller's post issued, or one below it; who only got it, may not.

    Raises `NotFound` and `OutsideYourGrid`.
    """
    await directive_of(session, directive_id)
    statement = select(Directive).where(col(Directive.id) == directive_id).with_for_update()
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    directive = found.one_or_none()
    # The post that issued it is in sight of itself and of those above.
    if directive is None or await session.get(Post, directive.issued_post) is None:
        raise OutsideYourGrid("该指令由上级下达，只能由下达者或其上级变更。")
    return directive


async def _note(session: AsyncSession, caller: Claims, action: str, directive: Directive) -> None:
    audit(session, caller, action, subject=directive.id, reach=directive.reach)
    await session.execute(_TELL_ALL, {"directive": directive.id, "at": clock.now()})
