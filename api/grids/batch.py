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
    refusals: dict[int, ItemOutcome] = {}
    proposals: dict[int, Proposal[Row]] = {}
    for place, item in enumerate(items):
        if isinstance(item, Unread):
            refusals[place] = item.outcome(place)
            continue
        try:
            proposals[place] = Proposal(item, drafted(item))
        except Problem as problem:
            refusals[place] = _at(place, refused(item.id, problem))
    kept = await create_all(session, list(proposals.values()))
    told = {place: _at(place, each) for place, each in zip(proposals, kept, strict=True)}
    _note(session, caller, action, [proposal.row for proposal in proposals.values()], kept)
    return BatchOutcome.of([(told | refusals)[place] for place in range(len(items))])


def _at(place: int, outcome: ItemOutcome) -> ItemOutcome:
    """The outcome with its pointers leading to this place of the list."""
    problem = outcome.problem
    if problem is None or "errors" not in problem:
        return outcome
    errors = [
        {**each, "pointer": each["pointer"].replace("/body", f"/body/items/{place}", 1)}
        for each in problem["errors"]
    ]
    return outcome.model_copy(update={"problem": {**problem, "errors": errors}})


def _note(
    session: AsyncSession,
    caller: Claims,
    action: str,
    rows: Sequence[Row],
    outcomes: Sequence[ItemOutcome],
) -> None:
    """One entry for all, where they all lie; what was kept is named by id."""
    created = {each.id for each in outcomes if each.outcome is Outcome.created}
    new = [row for row in rows if row.id in created]
    if new:
        details = {"count": len(new), "ids": [str(row.id) for row in new]}
        reach = _shared([row.reach for row in new])
        audit(session, caller, action, subject=caller.post, reach=reach, details=details)


def _shared(reaches: Sequence[str]) -> str:
    """The deepest place that all of these lie in."""
    levels = zip(*(reach.split(".") for reach in reaches), strict=False)
    return ".".join(names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels))
