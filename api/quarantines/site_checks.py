"""Whether a home is fit for a stage, item by item; where it is not, another measure begins."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.field_records import fill_in
from api.foundation.problems import InvalidInput, RecordDiffers
from api.foundation.records import Proposal, Source, create_once
from api.protocols.models import ManagementCategory
from api.quarantines.fallback import due_in_fallback
from api.quarantines.models import PlaceKind, Quarantine
from api.quarantines.problems import NothingToCheck
from api.quarantines.queries import RUNNING, locked, sealed
from api.quarantines.site_check_schemas import SiteCheckRecord
from api.quarantines.stage_models import QuarantineStage, SiteCheck
from api.quarantines.stages import fallen_back, stages_of
from api.quarantines.steps import note_step, refuse_ended, refuse_stranger


async def record_site_check(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: SiteCheckRecord
) -> tuple[SiteCheck, bool]:
    """Keep a check of the home, for whoever is there; returns it and whether it is new.

    Where it is not fit, the stage's fallback takes its place from today on, openly (domain 3.6),
    unless it was found fit since, or they have moved.
    Raises `NotFound`, `QuarantineEnded`, `NothingToCheck`, `InvalidInput` for items that are not
    those of the stage, `NotAColleague`, `RecordedInTheFuture`, `RecordDiffers`, `NoPolicyInForce`.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit, instants=("checked_at",))
    await refuse_stranger(session, said.performed_by, pointer="/body/performed_by")
    await refuse_stranger(session, said.medic_id, pointer="/body/medic_id")
    quarantine = await locked(session, quarantine_id)
    row = SiteCheck(
        **fields,
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        grid_id=quarantine.grid_id,
        items=said.items,
        fit=all(said.items.values()),
        checked_at=said.checked_at or fields["recorded_at"],
        medic_id=said.medic_id,
        note_sealed=sealed(session, said.note, context="site_checks.note"),
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        refuse_ended(quarantine)
        await _follow_up(session, caller, quarantine, kept)
    return kept, created


async def _follow_up(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, check: SiteCheck
) -> None:
    stage = _stage_to_check(await stages_of(session, quarantine.id), clock.today())
    _refuse_other_items(stage, check.items)
    details = {"check": str(check.id), "stage": str(stage.id), "fit": check.fit}
    latest = _latest(await checks_at_home(session, quarantine.id), stage)
    # What was put right since, or was a former home's, is told late and brings nobody to a site.
    unfit = latest is not None and latest.id == check.id and not check.fit
    if unfit and stage.fallback_category is not None:
        await _fall_back(session, caller, check, stage)
        details["fallback"] = stage.fallback_category.value
    await note_step(session, caller, "site_checks.record", quarantine, details)


def _stage_to_check(stages: Iterable[QuarantineStage], today: date) -> QuarantineStage:
    """Today's stage, else the next to come that has a checklist; raises `NothingToCheck`."""
    asking = (stage for stage in stages if stage.ends_on >= today and asks_for_check(stage))
    found = next(asking, None)
    if found is None:
        raise NothingToCheck
    return found


def asks_for_check(stage: QuarantineStage) -> bool:
    """Whether it is served in a home that must be fit; once the fallback is taken, no longer."""
    return bool(stage.site_checklist) and not fallen_back(stage)


def _codes(stage: QuarantineStage) -> set[str]:
    return {item["code"] for item in stage.site_checklist}


def _refuse_other_items(stage: QuarantineStage, items: Collection[str]) -> None:
    """Raise `InvalidInput` unless every item of the stage is told, and no other."""
    codes = _codes(stage)
    labels = {item["code"]: item["label"] for item in stage.site_checklist}
    unknown, missing = sorted(set(items) - codes), sorted(codes - set(items))
    if unknown:
        told = "该阶段没有这个核查项。"
        raise InvalidInput(told, pointer=f"/body/items/{unknown[0]}", missing=missing)
    if missing:
        told = f"核查项须逐项填写，还缺：{'、'.join(labels[code] for code in missing)}。"
        raise InvalidInput(told, pointer="/body/items", missing=missing)


def _latest(checks: Iterable[SiteCheck], stage: QuarantineStage) -> SiteCheck | None:
    """The latest check that looked at all of the stage's items; `checks` are `checks_at_home`."""
    codes = _codes(stage)
    return next((check for check in checks if codes <= set(check.items)), None)


_FALL_BACK = text(
    "SELECT fall_back_after_check(CAST(:checked AS uuid), CAST(:stage AS uuid), "
    "CAST(:by AS uuid), CAST(:why AS text), CAST(:at AS timestamptz), CAST(:today AS date), "
    "CAST(:due AS jsonb))"
)


async def _fall_back(
    session: AsyncSession, caller: Claims, check: SiteCheck, stage: QuarantineStage
) -> None:
    """Days that are past stay as they were; whoever checked may be on duty from elsewhere."""
    today = clock.today()
    told = {
        "checked": check.id,
        "stage": stage.id,
        "by": caller.worker,
        "why": "住所核查不符合",
        "at": clock.now(),
        "today": today,
        "due": json.dumps(await due_in_fallback(session, stage, max(today, stage.starts_on))),
    }
    await session.execute(_FALL_BACK, told)


async def checks_of(session: AsyncSession, quarantine_id: UUID) -> Sequence[SiteCheck]:
    """The checks of one quarantine, the latest first."""
    statement = (
        select(SiteCheck)
        .where(col(SiteCheck.quarantine_id) == quarantine_id)
        .order_by(col(SiteCheck.checked_at).desc(), col(SiteCheck.id).desc())
    )
    return (await session.scalars(statement)).all()


MOVED_IN = """(
    SELECT max(former.replaced_at) FROM revisions AS former
    WHERE former.kind = 'residents' AND former.record_id = q.resident_id
        AND (former.body ->> 'household_id')::uuid <> q.household_id
)"""
"""Since when who serves quarantine `q` lives in their household; NULL for always."""

_MOVED_IN = text(f"SELECT {MOVED_IN} FROM quarantines AS q WHERE q.id = :quarantine")


async def checks_at_home(session: AsyncSession, quarantine_id: UUID) -> Sequence[SiteCheck]:
    """The same of the home that is theirs now: a former one says nothing of it."""
    since: datetime | None = await session.scalar(_MOVED_IN, {"quarantine": quarantine_id})
    checks = await checks_of(session, quarantine_id)
    return [check for check in checks if since is None or check.checked_at >= since]


def still_to_check(
    stage: QuarantineStage, checks: Iterable[SiteCheck], quarantine: Quarantine, today: date
) -> bool:
    """Whether the home is still to be found fit for a stage that is not over.

    `checks` are those `checks_at_home`; the latest that looked at all of the stage's items says.
    """
    if quarantine.status not in RUNNING or stage.ends_on < today or not asks_for_check(stage):
        return False
    latest = _latest(checks, stage)
    return latest is None or not latest.fit


def fallback_taken(
    check: SiteCheck, stages: Iterable[QuarantineStage]
) -> ManagementCategory | None:
    """The measure that took the place of a stage for which a home was found unfit."""
    if check.fit:
        return None
    taken = (
        stage.category
        for stage in stages
        if stage.category is stage.fallback_category and _codes(stage) <= set(check.items)
    )
    return next(taken, None)


# Transfers are a later room's; whether there is one is all that is asked.
_ORDERED = text(
    "SELECT id FROM transfers WHERE quarantine_id = :quarantine AND kind = 'to_site' "
    "AND status NOT IN ('closed', 'cancelled') LIMIT 1"
)


async def waits_for_transfer(session: AsyncSession, quarantine: Quarantine) -> bool:
    """Whether who may not stay at home is there still, and nobody has ordered a transfer."""
    if quarantine.status not in RUNNING or quarantine.place_kind is PlaceKind.site:
        return False
    ordered = await session.scalar(_ORDERED, {"quarantine": quarantine.id})
    return ordered is None
