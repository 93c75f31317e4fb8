"""Registering a township: hundreds of households at a time, each whole or refused for itself."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.batches import Unread, refused
from api.foundation.database import keyring_of
from api.foundation.problems import Problem
from api.foundation.records import BatchOutcome, ItemOutcome, Outcome, attempt, refusal_of
from api.registry.drafts import Draft, Ground, draft, next_numbers, survey
from api.registry.queries import common_path
from api.registry.register import keep_drafts, keep_household
from api.registry.schemas import HouseholdRecord


async def register_households(
    session: AsyncSession, caller: Claims, items: Sequence[HouseholdRecord | Unread]
) -> BatchOutcome:
    """Register many households in a handful of statements; outcomes in the order given.

    What was sent before, or twice in this very list, is looked at alone afterwards.
    """
    outcomes = [refused(item.id, item.problem) for item in items if isinstance(item, Unread)]
    readable = [item for item in items if not isinstance(item, Unread)]
    ground = await survey(session, readable)
    drafts, later, not_fit = await _sort_out(session, caller, ground, readable)
    outcomes += not_fit
    outcomes += await _keep_all(session, caller, drafts)
    outcomes += [await _keep_alone(session, caller, item) for item in later]
    new = {each.id for each in outcomes if each.outcome is Outcome.created}
    _note(session, caller, ground, [item for item in readable if item.id in new])
    return BatchOutcome.of(_in_order(items, outcomes))


async def _sort_out(
    session: AsyncSession, caller: Claims, ground: Ground, said: Sequence[HouseholdRecord]
) -> tuple[list[Draft], list[HouseholdRecord], list[ItemOutcome]]:
    """Drafts of what is new, what must wait for its turn, and what is refused already."""
    numbers = await next_numbers(session, len(said))
    drafts: list[Draft] = []
    later: list[HouseholdRecord] = []
    not_fit: list[ItemOutcome] = []
    claimed: set[UUID | str] = set(ground.known)
    for item, number in zip(said, numbers, strict=True):
        claims = _claims(item)
        if claims & claimed:
            later.append(item)
            continue
        try:
            drafts.append(draft(ground, caller, keyring_of(session), item, number=number))
            claimed |= claims
        except Problem as problem:
            not_fit.append(refused(item.id, problem))
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
            return [refused(drafts[0].household.id, problem)]
        middle = len(drafts) // 2
        first = await _keep_all(session, caller, drafts[:middle])
        return first + await _keep_all(session, caller, drafts[middle:])
    return [
        ItemOutcome(id=each.household.id, outcome=Outcome.created, problem=None)
        if each.household.id in created
        else await _keep_alone(session, caller, each.said)
        for each in drafts
    ]


async def _keep_alone(session: AsyncSession, caller: Claims, said: HouseholdRecord) -> ItemOutcome:
    async def keep() -> bool:
        return (await keep_household(session, caller, said))[1]

    return await attempt(session, said.id, keep)


def _note(
    session: AsyncSession, caller: Claims, ground: Ground, new: Sequence[HouseholdRecord]
) -> None:
    """One audit entry for the whole list, at the grid that has all of it."""
    if new:
        audit(
            session,
            caller,
            "households.register_many",
            subject=caller.grid,
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
