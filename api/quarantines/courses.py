"""What a change makes of the kept stages: found for who asks, written when it is decided."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import new_id
from api.protocols.documents import Plan
from api.protocols.models import Protocol, WhereaboutsKind
from api.protocols.proposing import Rulebook
from api.protocols.timeline import LaidStage, StageDays, lay_out
from api.quarantines.calendar import begun_from, cut, lengthened, shortened
from api.quarantines.ground import LONGEST
from api.quarantines.models import PlaceKind, Quarantine
from api.quarantines.moves import entry_now
from api.quarantines.planned import control_began, facts_kept, plan_in, served_at, stages_laid
from api.quarantines.problems import AlreadyServed
from api.quarantines.stage_models import ChangeKind, QuarantineStage, StageChange
from api.quarantines.stages import days_of, plan_of

V = TypeVar("V")
_DAY = timedelta(days=1)


async def course_after(
    book: Rulebook, quarantine: Quarantine, stages: Sequence[QuarantineStage], change: StageChange
) -> list[StageDays]:
    """The days of every stage once the change is made today.

    Raises `InvalidInput` for what cannot be, `NotFound` and `AlreadyServed` for another plan.
    """
    days, today = [days_of(stage) for stage in stages], clock.today()
    if change.kind is ChangeKind.new_plan:
        return await _on_another_plan(book, quarantine, days, change)
    if change.kind is ChangeKind.early_end:
        return _ended_early(days, max(change.ends_on or today, today))
    ends_on = change.ends_on
    if ends_on is None or ends_on < today:
        raise InvalidInput("新的末日须填写，且不能早于今天。", pointer="/body/ends_on")
    place = _place(stages, change)
    if place is None:
        raise InvalidInput("没有找到该阶段。", pointer="/body/stage_id")
    if change.kind is ChangeKind.extension:
        return _extended(days, place, ends_on)
    if not days[place].starts_on <= ends_on < days[place].ends_on:
        raise InvalidInput("缩短后的末日须早于原末日，且在该阶段之内。", pointer="/body/ends_on")
    return shortened(days, place, ends_on)


def _place(stages: Sequence[QuarantineStage], change: StageChange) -> int | None:
    """Where the stage stands that is meant: by its last part, where a fallback cut it in two.

    Both parts are one stage of the plan. What was asked before the home was found unfit does not
    bring the person back there, nor is the rest of the stage served after what is asked.
    """
    meant = {each.ordinal for each in stages if each.id == change.stage_id}
    return max((n for n, each in enumerate(stages) if each.ordinal in meant), default=None)


def _extended(days: Sequence[StageDays], place: int, ends_on: date) -> list[StageDays]:
    if ends_on <= days[place].ends_on:
        raise InvalidInput("延长后的末日须晚于原末日。", pointer="/body/ends_on")
    if ends_on - clock.today() > LONGEST:
        raise InvalidInput("延长后的末日最晚为今天起第366天，请核对。", pointer="/body/ends_on")
    try:
        return lengthened(days, place, ends_on, clock.today())
    except ValueError:
        told = "该阶段已结束，后面的阶段已经开始，不能再延长。"
        raise InvalidInput(told, pointer="/body/stage_id") from None


def _ended_early(days: Sequence[StageDays], ends_on: date) -> list[StageDays]:
    """What was asked to end on a day that has passed since ends today."""
    if ends_on >= days[-1].ends_on:
        raise InvalidInput("提前结束的日期须早于原末日。", pointer="/body/ends_on")
    left = cut(days, ends_on)
    if not left:
        raise InvalidInput("隔离尚未开始，请按终止办理。", pointer="/body/ends_on")
    return left


async def _on_another_plan(
    book: Rulebook, quarantine: Quarantine, days: Sequence[StageDays], change: StageChange
) -> list[StageDays]:
    """What was served stays as it was; from today on the other plan's days, counted from its own.

    Raises `NotFound`, and `AlreadyServed` where the other plan leaves nothing to serve.
    """
    followed = await plan_of(book.session, quarantine.id)
    if followed is None:
        raise InvalidInput("手工登记的隔离没有方案，不能改用方案。", pointer="/body/kind")
    plan = await _plan_named(book, change)
    began = await control_began(book.session, quarantine)
    laid = lay_out(plan, facts_kept(followed.facts), began).stages
    today = max(clock.today(), quarantine.started_on)
    coming = begun_from(laid, today)
    if not coming:
        raise AlreadyServed
    return [*cut(days, today - _DAY), *coming]


async def _plan_named(book: Rulebook, change: StageChange) -> Plan:
    if change.protocol_id is None or change.plan_code is None:
        raise InvalidInput("须写明改用哪一版方案、其中哪个管理方案。", pointer="/body/plan_code")
    protocol = await book.session.get(Protocol, change.protocol_id)
    if protocol is None or not _was_in_force(protocol):
        raise NotFound("没有找到该方案，或未曾施行。", pointer="/body/protocol_id")
    document = await book.shelf.document(book.session, book.cell, protocol.id)
    if all(plan.code != change.plan_code for plan in document.plans):
        raise InvalidInput("该方案中没有这个管理方案。", pointer="/body/plan_code")
    return plan_in(document, change.plan_code)


def _was_in_force(protocol: Protocol) -> bool:
    """Back to a former revision people may be moved, to one before its day or given up never."""
    first, last = protocol.effective_from, protocol.effective_to or date.max
    return protocol.activated_at is not None and first <= min(clock.today(), last)


async def take_course(
    book: Rulebook,
    caller: Claims,
    quarantine: Quarantine,
    stages: Sequence[QuarantineStage],
    after: Sequence[StageDays],
    change: StageChange,
) -> None:
    """Write the stages as they shall be: changed in place, dropped, or added."""
    kept = [days for days in after if not isinstance(days, LaidStage)][: len(stages)]
    added = after[len(kept) :]
    await _move(book.session, caller, stages, kept, change)
    await _add(book, caller, quarantine, stages, added, change)
    changes: dict[str, Any] = {"planned_end_on": after[-1].ends_on}
    changes["legal_basis"] = change.legal_basis
    if _stays_home(quarantine, stages[0], after[0]):
        changes |= {"place_kind": PlaceKind.home, "place_sealed": None}
        await _note_at_home(book.session, caller, quarantine, change)
    correction = Correction(quarantine.version, by=caller.worker, reason=change.reason)
    await correct(book.session, quarantine, changes, correction)


def _stays_home(quarantine: Quarantine, former: QuarantineStage, first: StageDays) -> bool:
    """Whether who was to be brought to a site begins at home now: nobody has been brought yet."""
    return (
        quarantine.started_on > clock.today()
        and quarantine.place_kind is PlaceKind.site
        and served_at(former.category) is PlaceKind.site
        and isinstance(first, LaidStage)
        and served_at(first.category) is PlaceKind.home
    )


async def _note_at_home(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, change: StageChange
) -> None:
    """Before the first day the entry that it will begin with is the only one."""
    entry = present(await entry_now(session, quarantine.id))
    correction = Correction(entry.version, by=caller.worker, reason=change.reason)
    await correct(session, entry, {"kind": WhereaboutsKind.at_home}, correction)


async def _move(
    session: AsyncSession,
    caller: Claims,
    stages: Sequence[QuarantineStage],
    kept: Sequence[StageDays],
    change: StageChange,
) -> None:
    """Farther stages give way first where days move on, nearer ones where they move back."""
    pairs = [
        (stage, kept[place] if place < len(kept) else None) for place, stage in enumerate(stages)
    ]
    later = bool(kept) and kept[-1].ends_on > stages[len(kept) - 1].ends_on
    for stage, days in reversed(pairs) if later else pairs:
        if days is None:
            changes: dict[str, Any] = {"discarded_at": clock.now()}
        elif days == days_of(stage):
            continue
        else:
            changes = {name: getattr(days, name) for name in _DAYS}
        correction = Correction(stage.version, by=caller.worker, reason=change.reason)
        await correct(session, stage, changes, correction)
        await session.flush()


_DAYS = ("starts_on", "ends_on", "counted_from")


async def _add(
    book: Rulebook,
    caller: Claims,
    quarantine: Quarantine,
    stages: Sequence[QuarantineStage],
    added: Sequence[StageDays],
    change: StageChange,
) -> None:
    """Stages of another plan, or a stage that was over and goes on."""
    laid = [days for days in added if isinstance(days, LaidStage)]
    last = max(stage.ordinal for stage in stages)
    rows = await stages_laid(book.session, laid, after=last)
    for days in added[len(laid) :]:
        former = stages[-1].model_dump(exclude={"id", "version", "changed_xid", *_DAYS, "ordinal"})
        told = {name: getattr(days, name) for name in _DAYS}
        rows.append(QuarantineStage(id=new_id(), ordinal=last + 1, **former, **told))
    for row in rows:
        row.quarantine_id, row.reach = quarantine.id, quarantine.reach
        book.session.add(row)
    if laid:
        await _follow(book, caller, quarantine, change)
    await book.session.flush()


async def _follow(
    book: Rulebook, caller: Claims, quarantine: Quarantine, change: StageChange
) -> None:
    """Close the plan followed so far and keep the one followed from now on."""
    former = present(await plan_of(book.session, quarantine.id))
    former.ended_at = clock.now()
    former.version += 1
    await book.session.flush()
    document = await book.shelf.document(book.session, book.cell, present(change.protocol_id))
    told = former.model_dump(exclude={"id", "version", "changed_xid", "ended_at"})
    told |= {
        "protocol_id": change.protocol_id,
        "plan_code": change.plan_code,
        "clause": change.legal_basis,
        "alert_policies": dict(document.alert_clocks),
        "decided_at": clock.now(),
        "decided_by": caller.worker,
    }
    book.session.add(type(former)(id=change.id, **told))


def stages_told(stages: Sequence[QuarantineStage]) -> list[dict[str, Any]]:
    """How stages stand, as a change keeps it."""
    told = {"id", "category", "starts_on", "ends_on", "counted_from"}
    return [stage.model_dump(mode="json", include=told) for stage in stages]


def present(value: V | None) -> V:
    """What is there by construction: a stage of every quarantine, the plan of a planned one."""
    assert value is not None, "every quarantine has a stage, and a planned one its plan"  # noqa: S101
    return value
