"""The tubes of a whole morning, filled where there was no network: each has its own outcome."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.foundation.batches import Unread, draft_each, readable, refused
from api.foundation.problems import RecordDiffers
from api.foundation.records import (
    BatchOutcome,
    ItemOutcome,
    Outcome,
    Proposal,
    attempt,
    compare,
    insert_new,
    refusal_of,
)
from api.health_records.models import DiagnosticTest, SampleTube
from api.health_records.tube_schemas import SampleTubeRecord
from api.health_records.tubes import TubeDraft, draft, keep, refuse_other_members, survey


async def record_tubes(
    session: AsyncSession, caller: Actor, said: Sequence[SampleTubeRecord | Unread]
) -> BatchOutcome:
    """Keep many tubes, each whole or not at all, with their outcomes in the order sent."""
    ground = await survey(session, readable(said))
    drafts, outcomes = await draft_each(
        said, lambda each, within: draft(ground, caller, each, within=within)
    )
    # In one order always: whoever sends the same in another order waits, and never in a circle.
    in_order = sorted(drafts, key=lambda at: drafts[at].tube.id)
    kept = await _keep_all(session, [drafts[at] for at in in_order])
    outcomes |= dict(zip(in_order, kept, strict=True))
    created = (at for at in drafts if outcomes[at].outcome is Outcome.created)
    _audit(session, caller, [drafts[at].tube for at in created])
    return BatchOutcome.of([outcomes[at] for at in range(len(said))])


async def _keep_all(session: AsyncSession, drafts: Sequence[TubeDraft]) -> list[ItemOutcome]:
    """All in two statements; where that is refused, or some were sent before, one by one."""
    if await _keep_together(session, drafts):
        return [_outcome(each, Outcome.created) for each in drafts]
    before = await _kept_before(session, drafts)
    return [
        await _repeated(session, each, before[each.tube.id])
        if each.tube.id in before
        else await _keep_alone(session, each)
        for each in drafts
    ]


def _outcome(drafted: TubeDraft, outcome: Outcome) -> ItemOutcome:
    return ItemOutcome(id=drafted.tube.id, outcome=outcome, problem=None)


async def _keep_together(session: AsyncSession, drafts: Sequence[TubeDraft]) -> bool:
    """Whether all of them were new and are kept now; else none of them is."""
    tubes = [each.tube for each in drafts]
    tests = [test for each in drafts for test in each.tests]
    try:
        async with session.begin_nested() as savepoint:
            new = len(await insert_new(session, tubes)) == len(tubes)
            new = new and len(await insert_new(session, tests)) == len(tests)
            if not new:
                await savepoint.rollback()
    except Exception as error:
        if refusal_of(error) is None:
            raise
        return False
    return new


class _Kept(NamedTuple):
    """A tube that was sent before, and the tests of all in it."""

    tube: SampleTube
    tests: list[DiagnosticTest]


async def _kept_before(session: AsyncSession, drafts: Sequence[TubeDraft]) -> dict[UUID, _Kept]:
    """Those of these tubes that are kept already, as far as the caller sees them."""
    fresh = {"populate_existing": True}
    ids = {each.tube.id for each in drafts}
    tubes = select(SampleTube).where(col(SampleTube.id).in_(ids))
    found = await session.scalars(tubes, execution_options=fresh)
    before = {tube.id: _Kept(tube, []) for tube in found}
    tests = select(DiagnosticTest).where(col(DiagnosticTest.tube_id).in_(before))
    for test in await session.scalars(tests, execution_options=fresh):
        if test.tube_id is not None:
            before[test.tube_id].tests.append(test)
    return before


async def _repeated(session: AsyncSession, drafted: TubeDraft, kept: _Kept) -> ItemOutcome:
    try:
        await compare(session, Proposal(drafted.said, drafted.tube), kept.tube)
        refuse_other_members(drafted.said, kept.tests)
    except RecordDiffers as problem:
        return refused(drafted.tube.id, problem)
    return _outcome(drafted, Outcome.unchanged)


async def _keep_alone(session: AsyncSession, drafted: TubeDraft) -> ItemOutcome:
    async def kept() -> bool:
        return (await keep(session, drafted))[1]

    return await attempt(session, drafted.tube.id, kept)


def _audit(session: AsyncSession, caller: Actor, tubes: Sequence[SampleTube]) -> None:
    """One note for each grid in which tubes lie; a tube lies at a grid, not at a household."""
    numbers = Counter((tube.grid_id, tube.reach) for tube in tubes)
    for (grid, path), number in numbers.items():
        details = {"sample_tubes": number}
        action = "sample_tubes.record_all"
        audit(session, caller, action, subject=grid, reach=path, details=details)
