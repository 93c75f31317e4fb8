"""What is due under the measure that takes the place of a stage: readings go on there (M3.3)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.protocols.documents import Stage
from api.protocols.models import (
    CareTeamPolicy,
    LeaveHome,
    ManagementCategory,
    MonitoringPolicy,
    Protocol,
)
from api.protocols.queries import SITE_TWICE_DAILY, policy_of
from api.quarantines.planned import in_force
from api.quarantines.stage_models import QuarantineStage
from api.quarantines.stages import plan_of


async def due_in_fallback(
    session: AsyncSession, stage: QuarantineStage, on: date
) -> Mapping[str, Any]:
    """The columns of the stage that become others, as JSON, with the policies in force on a day.

    What the same protocol asks under that measure of others, its own plan first. Where it says
    nothing of it, whoever is at a site is measured there and never leaves it; else all stays.
    Raises `NoPolicyInForce`.
    """
    rule = await _rule(session, stage)
    if rule is not None:
        monitoring, team = rule.monitoring_policy, rule.care_team_policy
        return {
            "monitoring_policy_id": _id(await in_force(session, MonitoringPolicy, monitoring, on)),
            "care_policy_id": _id(await in_force(session, CareTeamPolicy, team, on)),
            **rule.model_dump(include={"visits_per_day", "calls_per_day", "leave_home"}),
        }
    if stage.fallback_category is not ManagementCategory.centralized_quarantine:
        return {}
    measured = await in_force(session, MonitoringPolicy, SITE_TWICE_DAILY, on)
    at_a_site = {"visits_per_day": 0, "leave_home": LeaveHome.never}
    return {"monitoring_policy_id": _id(measured), **at_a_site}


def _id(policy: Any) -> str | None:
    return None if policy is None else str(policy)


async def _rule(session: AsyncSession, stage: QuarantineStage) -> Stage | None:
    followed = await plan_of(session, stage.quarantine_id)
    if followed is None:
        return None
    plans = (await policy_of(session, Protocol, followed.protocol_id)).document["plans"]
    own_first = sorted(plans, key=lambda plan: plan["code"] != followed.plan_code)
    alike = (
        each
        for plan in own_first
        for each in plan["stages"]
        if each["category"] == stage.fallback_category
    )
    found = next(alike, None)
    return None if found is None else Stage.model_validate(found)
