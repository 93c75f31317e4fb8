"""Who is quarantined along with somebody follows each change of that person's stages, by name.

One decision lets the family out on one day, or keeps it in (M3.8, domain 3.3.7). It is on record
for each of them; whose own days had become others is not changed, it is asked for.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import new_id
from api.protocols.proposing import Rulebook
from api.protocols.timeline import StageDays
from api.quarantines.courses import course_after, stages_told, take_course
from api.quarantines.models import Quarantine
from api.quarantines.problems import AlreadyServed
from api.quarantines.queries import locked, running
from api.quarantines.stage_models import (
    ChangeStatus,
    Link,
    QuarantinePlan,
    QuarantineStage,
    StageChange,
)
from api.quarantines.stages import Whole, stages_of, whole
from api.quarantines.steps import note_step


class Before(NamedTuple):
    """The stages of somebody before a change: their ids and their days, as the plan has them."""

    ids: list[set[UUID]]
    days: list[StageDays]

    def since(self, day: date) -> "Before":
        """What of it was shared by whoever joined on a day: nothing that was over by then."""
        shared = [n for n, days in enumerate(self.days) if days.ends_on >= day]
        return Before([self.ids[n] for n in shared], [self.days[n] for n in shared])


def stood(stages: Iterable[QuarantineStage]) -> Before:
    """How stages stand now; what a fallback cut in two is one."""
    found = whole(stages)
    return Before([{part.id for part in each.parts} for each in found], [e.days for e in found])


async def lock_together(session: AsyncSession, quarantine_id: UUID) -> None:
    """Lock a quarantine and those that follow it, in the order in which everybody locks many."""
    following = _following(quarantine_id).with_only_columns(col(Quarantine.id))
    ids = or_(col(Quarantine.id) == quarantine_id, col(Quarantine.id).in_(following))
    await session.execute(
        select(Quarantine.id).where(ids).order_by(col(Quarantine.id)).with_for_update()
    )


def _following(quarantine_id: UUID) -> Any:
    return (
        select(Quarantine)
        .join(QuarantinePlan, col(QuarantinePlan.quarantine_id) == Quarantine.id)
        .where(
            col(QuarantinePlan.linked_quarantine_id) == quarantine_id,
            col(QuarantinePlan.link) == Link.cohabitant,
            col(QuarantinePlan.ended_at).is_(None),
            running(),
        )
    )


async def pass_on(book: Rulebook, caller: Claims, change: StageChange, before: Before) -> None:
    """Change those who follow as the person was changed, in the same decision.

    Whose days were not the person's own, and whom the change would still concern, is asked for:
    somebody else decides it by itself, unless something is asked about them already.
    """
    for quarantine in await book.session.scalars(_following(change.quarantine_id)):
        stages = await stages_of(book.session, quarantine.id)
        shared = before.since(quarantine.started_on)
        own = _alike(change, quarantine, stages, shared)
        try:
            after = await course_after(book, quarantine, stages, own)
        except (InvalidInput, NotFound, AlreadyServed):
            continue
        if stood(stages).days == shared.days:
            await _follow(book, caller, quarantine, stages, after, own)
        elif not await _is_asked(book.session, quarantine):
            own.status, own.decided_at, own.decided_by = ChangeStatus.requested, None, None
            own.decision_note, own.stages_before = None, None
            await _keep(book.session, caller, quarantine, own)


def _alike(
    change: StageChange,
    quarantine: Quarantine,
    stages: Sequence[QuarantineStage],
    before: Before,
) -> StageChange:
    """The same change of the one who follows, as it was asked for and decided."""
    told = change.model_dump(exclude={"id", "version", "changed_xid", "reach", "stages_before"})
    if change.stage_id is not None:
        places = (n for n, ids in enumerate(before.ids) if change.stage_id in ids)
        place = next(places, 0)  # a stage that was over when they joined moved their first one
        theirs = whole(stages)
        told["stage_id"] = theirs[min(place, len(theirs) - 1)].parts[-1].id
    told |= {
        "id": new_id(),
        "reach": quarantine.reach,
        "quarantine_id": quarantine.id,
        "received_at": clock.now(),
        "follows_change_id": change.id,
        "stages_before": stages_told(stages),
    }
    return StageChange(**told)


async def _follow(
    book: Rulebook,
    caller: Claims,
    quarantine: Quarantine,
    stages: Sequence[QuarantineStage],
    after: Sequence[StageDays],
    own: StageChange,
) -> None:
    before = stood(stages)
    await _keep(book.session, caller, quarantine, own)
    await take_course(book, caller, quarantine, stages, after, own)
    await pass_on(book, caller, own, before)


async def _keep(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, own: StageChange
) -> None:
    session.add(own)
    await session.flush()
    details = {"change": str(own.id), "kind": own.kind.value, "follows": str(own.follows_change_id)}
    await note_step(session, caller, "changes.follow", quarantine, details)


async def _is_asked(session: AsyncSession, quarantine: Quarantine) -> bool:
    open_one = select(StageChange.id).where(
        col(StageChange.quarantine_id) == quarantine.id,
        col(StageChange.status) == ChangeStatus.requested,
    )
    return await session.scalar(open_one) is not None


async def catch_up(book: Rulebook, caller: Claims, begun: UUID, index: Quarantine) -> None:
    """Bring whoever begins to follow to the days that the person's have been changed to.

    Where the person was moved to stages of another kind, the plan of now lays out the same end.
    """
    decided = (
        select(StageChange)
        .where(
            col(StageChange.quarantine_id) == index.id,
            col(StageChange.status) == ChangeStatus.approved,
        )
        .order_by(col(StageChange.decided_at).desc())
        .limit(1)
    )
    change = (await book.session.scalars(decided)).one_or_none()
    if change is None:
        return
    quarantine = await locked(book.session, begun)
    stages = await stages_of(book.session, quarantine.id)
    theirs = await stages_of(book.session, index.id)
    before = stood(theirs).since(quarantine.started_on)
    shared = [each for each in whole(theirs) if each.days in before.days]
    alike = all(_of_one_kind(a, b) for a, b in zip(stages, shared, strict=False))
    if alike and before.days != stood(stages).days:
        own = _alike(change, quarantine, stages, before)
        await _follow(book, caller, quarantine, stages, before.days, own)


def _of_one_kind(own: QuarantineStage, theirs: Whole) -> bool:
    """Whether it is the same stage of a plan; the home unfit for one may do for the other."""
    measures = {part.category for part in theirs.parts}
    return bool(measures & {own.category, own.fallback_category})
