"""Registering a township: hundreds of households at a time, each whole or refused for itself."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.batches import Unread, refused
from api.foundation.problems import Problem
from api.foundation.records import BatchOutcome, ItemOutcome, Outcome, attempt, refusal_of
from api.registry.drafts import Draft, draft
from api.registry.ground import Ground, Sent, next_numbers, survey
from api.registry.queries import common_path
from api.registry.register import keep_drafts, keep_household
from api.registry.repeats import read_before, same_as_before
from api.registry.schemas import HouseholdRecord


async def register_households(
    session: AsyncSession, caller: Claims, items: Sequence[HouseholdRecord | Unread]
) -> BatchOutcome:
    """Register many households in a handful of statements; outcomes in the order given.

    What stands twice in this very list is looked at alone afterwards.
    """
    outcomes: list[ItemOutcome] = []
    readable: list[Sent] = []
    for place, item in enumerate(items):
        if isinstance(item, Unread):
            outcomes.append(item.outcome(place))
        else:
            readable.append(Sent(item, f"/body/items/{place}"))
    ground = await survey(session, caller, readable)
    outcomes += await _look_again(session, ground, readable)
    drafts, later, not_fit = await _sort_out(session, ground, readable)
    outcomes += not_fit
    outcomes += await _keep_all(session, caller, drafts)
    outcomes += [await _keep_alone(session, caller, item) for item in later]
    new = {each.id for each in outcomes if each.outcome is Outcome.created}
    tried = [*(each.sent.said for each in drafts), *(each.said for each in later)]
    # Of an id that stands in the list twice, the first that fitted is the one that was kept.
    first = {said.id: said for said in reversed(tried)}
    _note(session, ground, [said for said in first.values() if said.id in new])
    return BatchOutcome.of(_in_order(items, outcomes))


async def _look_again(
    session: AsyncSession, ground: Ground, sent: Sequence[Sent]
) -> list[ItemOutcome]:
    """The outcomes of households that are kept already."""
    again = [each for each in sent if each.said.id in ground.known]
    if not again:
        return []
    before = await read_before(session, [each.said for each in again])
    outcomes: list[ItemOutcome] = []
    for each in again:
        try:
            await same_as_before(session, ground, before, each)
        except Problem as problem:
            outcomes.append(refused(each.said.id, problem))
        else:
            unchanged = Outcome.unchanged
            outcomes.append(ItemOutcome(id=each.said.id, outcome=unchanged, problem=None))
    return outcomes


async def _sort_out(
    session: AsyncSession, ground: Ground, sent: Sequence[Sent]
) -> tuple[list[Draft], list[Sent], list[ItemOutcome]]:
    """Drafts of what is new, what must wait for its turn, and what is refused already."""
    new = [each for each in sent if each.said.id not in ground.known]
    numbers = await next_numbers(session, len(new))
    drafts: list[Draft] = []
    later: list[Sent] = []
    not_fit: list[ItemOutcome] = []
    claimed: set[UUID | str] = set()
    for item, number in zip(new, numbers, strict=True):
        claims = _claims(item.said)
        if claims & claimed:
            later.append(item)
            continue
        try:
            drafts.append(draft(ground, item, number=number))
            claimed |= claims
        except Problem as problem:
            not_fit.append(refused(item.said.id, problem))
    return drafts, later, not_fit


def _claims(said: HouseholdRecord) -> set[UUID | str]:
    """What only one household of a list can have: its id, its residents' ids and documents."""
    documents = {resident.document for resident in said.residents if resident.document}
    return {said.id, *(resident.id for resident in said.residents), *documents}


async def _keep_all(
    session: AsyncSession, caller: Claims, drafts: list[Draft]
) -> list[ItemOutcome]:
    """Keep the drafts together; where the database refuses one, find it by halves."""
    if not drafts:
        return []
    try:
        async with session.begin_nested():
            created = await keep_drafts(session, drafts)
    except Exception as error:
        problem = refusal_of(error)
        if problem is None:
            raise
        if len(drafts) == 1:
            return [refused(drafts[0].id, problem)]
        middle = len(drafts) // 2
        first = await _keep_all(session, caller, drafts[:middle])
        return first + await _keep_all(session, caller, drafts[middle:])
    return [
        ItemOutcome(id=each.id, outcome=Outcome.created, problem=None)
        if each.id in created
        else await _keep_alone(session, caller, each.sent)
        for each in drafts
    ]


async def _keep_alone(session: AsyncSession, caller: Claims, sent: Sent) -> ItemOutcome:
    async def keep() -> bool:
        return (await keep_household(session, caller, sent))[1]

    return await attempt(session, sent.said.id, keep)


def _note(session: AsyncSession, ground: Ground, new: Sequence[HouseholdRecord]) -> None:
    """One audit entry for the whole list, at the grid that has all of it."""
    if new:
        audit(
            session,
            ground.caller,
            "households.register-many",
            subject=ground.caller.grid,
            reach=common_path(ground.grids[item.grid_id].path for item in new),
            details={"households": [str(item.id) for item in new]},
        )


def _in_order(
    items: Sequence[HouseholdRecord | Unread], outcomes: Sequence[ItemOutcome]
) -> list[ItemOutcome]:
    """The outcomes in the order sent; of an id sent twice, the first stands for the first."""
    of: dict[UUID, list[ItemOutcome]] = {}
    for outcome in outcomes:
        of.setdefault(outcome.id, []).append(outcome)
    return [of[item.id].pop(0) for item in items]
