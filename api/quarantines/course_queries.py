"""Reading the course of quarantines: the stage of today, and every stage with what is due in it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.protocols.models import CareTeamPolicy, MonitoringPolicy, Protocol
from api.protocols.what_if_schemas import TestDay
from api.quarantines.models import Quarantine
from api.quarantines.queries import RUNNING, quarantine_of
from api.quarantines.site_checks import checks_at_home, still_to_check
from api.quarantines.stage_models import QuarantinePlan, QuarantineStage
from api.quarantines.stage_schemas import (
    ChecklistItemRead,
    PlanFollowedRead,
    ProtocolFollowed,
    StageNow,
    StageRead,
    StagesRead,
)
from api.quarantines.stages import (
    days_of,
    plan_of,
    stage_day,
    stage_shown,
    stages_of,
    stages_of_all,
    tests_due,
)


async def courses_now(
    session: AsyncSession, quarantines: Sequence[Quarantine]
) -> dict[UUID, dict[str, Any]]:
    """Of each quarantine its stage of today and its plan; two statements, however many there are.

    Of one that is over, the stage is that of its last day.
    """
    ids = [each.id for each in quarantines]
    stages, protocols = await stages_of_all(session, ids), await _protocols(session, ids)
    return {
        each.id: {**_stage_now(each, stages[each.id]), "protocol": protocols.get(each.id)}
        for each in quarantines
    }


def _stage_now(quarantine: Quarantine, stages: Sequence[QuarantineStage]) -> dict[str, Any]:
    today = clock.today()
    shown = stage_shown(stages, min(today, quarantine.ended_on or today))
    assert shown is not None, "every quarantine has a stage"  # noqa: S101
    counts = today if quarantine.ended_on is None else None
    return {
        "stage": StageNow(**_days(shown, stages.index(shown) + 1, counts)),
        "category": shown.category,
        "waiting_for_release": _waits(quarantine, stages, today),
    }


def _days(stage: QuarantineStage, ordinal: int, today: date | None) -> dict[str, Any]:
    """What every sight of a stage tells; it is numbered by where it stands now."""
    own = stage.model_dump(include={"id", "category", "starts_on", "ends_on"})
    within = today is not None and today in days_of(stage)
    number = stage_day(stage, today) if today is not None and within else None
    return {**own, "ordinal": ordinal, "day_number": number}


def _waits(quarantine: Quarantine, stages: Sequence[QuarantineStage], today: date) -> bool:
    return quarantine.status in RUNNING and stages[-1].ends_on < today


async def _protocols(
    session: AsyncSession, quarantines: Collection[UUID]
) -> dict[UUID, ProtocolFollowed]:
    statement = (
        select(
            QuarantinePlan.quarantine_id, Protocol.code, Protocol.revision, QuarantinePlan.plan_code
        )
        .join(Protocol, col(Protocol.id) == QuarantinePlan.protocol_id)
        .where(
            col(QuarantinePlan.quarantine_id).in_(quarantines),
            col(QuarantinePlan.ended_at).is_(None),
        )
    )
    return {
        id_: ProtocolFollowed(code=code, revision=revision, plan_code=plan)
        for id_, code, revision, plan in await session.execute(statement)
    }


async def course_of(session: AsyncSession, quarantine_id: UUID) -> StagesRead:
    """Every stage of one quarantine, and the plan they are from; raises `NotFound`."""
    quarantine = await quarantine_of(session, quarantine_id)
    stages = await stages_of(session, quarantine.id)
    codes = await _policy_codes(session, stages)
    checks = await checks_at_home(session, quarantine.id)
    today = clock.today()
    return StagesRead(
        quarantine_id=quarantine.id,
        plan=await _plan_read(session, quarantine.id),
        stages=[
            StageRead(
                **_days(stage, ordinal, None if quarantine.ended_on else today),
                **_due_in(stage, codes),
                site_check_due=still_to_check(stage, checks, quarantine, today),
            )
            for ordinal, stage in enumerate(stages, start=1)
        ],
        waiting_for_release=_waits(quarantine, stages, today),
    )


_AS_KEPT = {
    "version",
    "counted_from",
    "day_index_base",
    "credited_days",
    "visits_per_day",
    "calls_per_day",
    "cohabitant_rule",
    "leave_home",
    "fallback_category",
}


def _due_in(stage: QuarantineStage, codes: Mapping[UUID | None, str]) -> dict[str, Any]:
    return {
        **stage.model_dump(include=_AS_KEPT),
        "monitoring_policy": codes.get(stage.monitoring_policy_id),
        "care_policy": codes.get(stage.care_policy_id),
        "tests": [TestDay.model_validate(test) for test in tests_due(stage)],
        "site_checklist": [ChecklistItemRead(**item) for item in stage.site_checklist],
    }


async def _policy_codes(
    session: AsyncSession, stages: Sequence[QuarantineStage]
) -> dict[UUID | None, str]:
    monitoring = {stage.monitoring_policy_id for stage in stages}
    care = {stage.care_policy_id for stage in stages}
    statement = (
        select(MonitoringPolicy.id, MonitoringPolicy.code)
        .where(col(MonitoringPolicy.id).in_(monitoring))
        .union_all(
            select(CareTeamPolicy.id, CareTeamPolicy.code).where(col(CareTeamPolicy.id).in_(care))
        )
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def _plan_read(session: AsyncSession, quarantine_id: UUID) -> PlanFollowedRead | None:
    plan = await plan_of(session, quarantine_id)
    if plan is None:
        return None
    protocol = await session.get(Protocol, plan.protocol_id)
    assert protocol is not None, "a plan is of a protocol"  # noqa: S101
    return PlanFollowedRead(
        **plan.model_dump(include=set(PlanFollowedRead.model_fields)),
        protocol_code=protocol.code,
        protocol_revision=protocol.revision,
        protocol_name=protocol.name,
    )
