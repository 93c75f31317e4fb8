"""Reading directives: what was ordered, to whom, and what each post answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from api.access.tokens import Claims
from api.directives.models import Directive, DirectiveReceipt, DirectiveStatus
from api.directives.schemas import DirectiveRead, ReceiptRead
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.grids.models import Post
from api.grids.queries import grid_in_reach, within

REPORT = "directive_receipts.report"
"""The context in which reports are sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which directives are listed; what is left out does not narrow."""

    told_to_me: bool = False
    outstanding: bool = False
    issued_by_me: bool = False
    status: DirectiveStatus | None = None
    grid_id: UUID | None = None


async def directive_of(session: AsyncSession, directive_id: UUID) -> Directive:
    """A directive in reach, or one to a grid above; raises `NotFound`."""
    directive = await session.get(Directive, directive_id)
    if directive is None:
        raise NotFound("没有找到该指令，或不在您的网格范围内。")
    return directive


def answered() -> ColumnElement[bool]:
    """Whether a receipt says what its directive asks for; the directive must be joined."""
    return case(
        (col(Directive.needs_report), col(DirectiveReceipt.reported_at).is_not(None)),
        else_=col(DirectiveReceipt.acknowledged_at).is_not(None),
    )


def unanswered() -> ColumnElement[bool]:
    """Whether a receipt asks for an answer still; the directive must be joined.

    It binds who lies below its grid: a grid that was moved away cannot even read it.
    """
    place = col(DirectiveReceipt.reach)
    below = and_(place >= col(Directive.reach), place < col(Directive.reach).concat("/"))
    return and_(~answered(), below)


def outstanding() -> ColumnElement[bool]:
    """Whether somebody still owes the answer; directive and post must be joined.

    A post that ended without a successor owes nothing: there is nobody to ask.
    """
    held = or_(col(Post.ended_at).is_(None), col(Post.ended_at) > clock.now())
    return and_(unanswered(), held)


async def page_of_directives(
    session: AsyncSession, caller: Claims, wanted: Wanted, page: PageRequest
) -> Page[DirectiveRead]:
    """Directives in sight, the latest first; raises `NotFound` for a grid out of sight."""
    statement = select(Directive).where(*await _narrowing(session, caller, wanted))
    keys = [col(Directive.issued_at), col(Directive.id)]
    found = await read_page(session, statement, keys, page, present=_itself, descending=True)
    items = await _all_shown(session, caller, found.items)
    return Page[DirectiveRead](items=items, next_cursor=found.next_cursor)


def _itself(directive: Directive) -> Directive:
    return directive


async def _narrowing(
    session: AsyncSession, caller: Claims, wanted: Wanted
) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if wanted.told_to_me or wanted.outstanding:
        mine = select(col(DirectiveReceipt.directive_id)).where(
            col(DirectiveReceipt.post_id) == caller.post,
            col(DirectiveReceipt.directive_id) == Directive.id,
        )
        clauses.append((mine.where(unanswered()) if wanted.outstanding else mine).exists())
    if wanted.outstanding:
        clauses.append(col(Directive.status) == DirectiveStatus.issued)
    if wanted.issued_by_me:
        clauses.append(col(Directive.issued_by) == caller.worker)
    if wanted.status is not None:
        clauses.append(col(Directive.status) == wanted.status)
    if wanted.grid_id is not None:
        grid = await grid_in_reach(session, wanted.grid_id, pointer="/query/grid_id")
        clauses.append(within(col(Directive.reach), grid.path))
    return clauses


async def shown(session: AsyncSession, caller: Claims, directive: Directive) -> DirectiveRead:
    """A directive as the caller's post sees it."""
    return (await _all_shown(session, caller, [directive]))[0]


async def _all_shown(
    session: AsyncSession, caller: Claims, directives: Sequence[Directive]
) -> list[DirectiveRead]:
    told = select(DirectiveReceipt).where(
        col(DirectiveReceipt.directive_id).in_([each.id for each in directives]),
        col(DirectiveReceipt.post_id) == caller.post,
    )
    own = {receipt.directive_id: receipt for receipt in await session.scalars(told)}
    return [
        DirectiveRead(
            **directive.model_dump(include=_OWN),
            receipt=shown_receipt(session, directive, own[directive.id])
            if directive.id in own
            else None,
        )
        for directive in directives
    ]


_OWN = set(DirectiveRead.model_fields) & set(Directive.model_fields)


def shown_receipt(
    session: AsyncSession, directive: Directive, receipt: DirectiveReceipt
) -> ReceiptRead:
    """A receipt with its report in plain, and how it stands against the deadline."""
    report = receipt.report_sealed
    done_at = receipt.reported_at if directive.needs_report else receipt.acknowledged_at
    return ReceiptRead(
        **receipt.model_dump(include=_OWN_OF_RECEIPT),
        report=None if report is None else keyring_of(session).open(report, context=REPORT),
        answered=done_at is not None,
        late=(done_at or looked_at(directive)) > directive.deadline_at,
    )


_OWN_OF_RECEIPT = set(ReceiptRead.model_fields) & set(DirectiveReceipt.model_fields)


def looked_at(directive: Directive) -> datetime:
    """When to ask who is late: now, or when the directive ended."""
    return directive.ended_at or clock.now()


async def page_of_receipts(
    session: AsyncSession,
    directive_id: UUID,
    page: PageRequest,
    *,
    grid_id: UUID | None,
    open_only: bool,
) -> Page[ReceiptRead]:
    """Receipts of one directive in the order of the tree; raises `NotFound`."""
    directive = await directive_of(session, directive_id)
    return await read_page(
        session,
        await receipts_of(session, directive, grid_id=grid_id, open_only=open_only),
        [col(DirectiveReceipt.reach), col(DirectiveReceipt.id)],
        page,
        present=lambda receipt: shown_receipt(session, directive, receipt),
    )


async def receipts_of(
    session: AsyncSession, directive: Directive, *, grid_id: UUID | None, open_only: bool
) -> SelectOfScalar[DirectiveReceipt]:
    """The receipts of a directive in reach, of a grid and below; raises `NotFound` for the grid."""
    statement = (
        select(DirectiveReceipt)
        .join(Directive, col(Directive.id) == DirectiveReceipt.directive_id)
        .join(Post, col(Post.id) == DirectiveReceipt.post_id)
        .where(col(DirectiveReceipt.directive_id) == directive.id)
    )
    if grid_id is not None:
        grid = await grid_in_reach(session, grid_id, pointer="/query/grid_id")
        statement = statement.where(within(col(DirectiveReceipt.reach), grid.path))
    return statement.where(outstanding()) if open_only else statement
