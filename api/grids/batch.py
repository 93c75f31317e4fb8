"""Many workers or posts in one request: each is kept or refused for itself."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.batches import Unread, refused
from api.foundation.problems import Problem
from api.foundation.records import BatchOutcome, ItemOutcome, Outcome, Proposal, create_all
from api.grids.models import Post, Worker
from api.grids.people_schemas import PostAppoint, WorkerRegister

Said = TypeVar("Said", WorkerRegister, PostAppoint)
Row = TypeVar("Row", Worker, Post)


async def keep_each(
    session: AsyncSession,
    caller: Claims,
    action: str,
    items: Sequence[Said | Unread],
    *,
    drafted: Callable[[Said], Row],
) -> BatchOutcome:
    """Keep what can be kept, audited once; outcomes in the order given.

    `drafted` makes the row of an item, or raises the problem that it is refused with.
    """
    outcomes: list[ItemOutcome | None] = []
    proposals: list[Proposal[Row]] = []
    for item in items:
        try:
            if isinstance(item, Unread):
                raise item.problem
            proposals.append(Proposal(item, drafted(item)))
            outcomes.append(None)
        except Problem as problem:
            outcomes.append(refused(item.id, problem))
    kept = iter(await create_all(session, proposals))
    whole = [outcome or next(kept) for outcome in outcomes]
    _note(session, caller, action, proposals, whole)
    return BatchOutcome.of(whole)


def _note(
    session: AsyncSession,
    caller: Claims,
    action: str,
    proposals: Sequence[Proposal[Row]],
    outcomes: Sequence[ItemOutcome],
) -> None:
    """One entry for all, where they all lie; what was kept is named by id."""
    created = {each.id for each in outcomes if each.outcome is Outcome.created}
    rows = [proposal.row for proposal in proposals if proposal.row.id in created]
    if rows:
        details = {"count": len(rows), "ids": [str(row.id) for row in rows]}
        reach = _shared([row.reach for row in rows])
        audit(session, caller, action, subject=caller.post, reach=reach, details=details)


def _shared(reaches: Sequence[str]) -> str:
    """The deepest place that all of these lie in."""
    levels = zip(*(reach.split(".") for reach in reaches), strict=False)
    return ".".join(names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels))
