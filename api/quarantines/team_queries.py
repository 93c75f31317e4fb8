"""Reading teams: by which policy each is judged today, and who lacks one."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, exists, func, not_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.protocols.models import CareTeamPolicy
from api.protocols.policies import CareTeamRule
from api.protocols.queries import care_team_rule
from api.quarantines.models import Quarantine
from api.quarantines.stage_models import QuarantineStage


def care_policy_today() -> ColumnElement[UUID]:
    """The care-team policy that judges a team today: that of its stage, or of the next to ask.

    Where no stage asks for a team any more, the one that the quarantine began with.
    """
    stage = QuarantineStage
    asking = (
        select(col(stage.care_policy_id))
        .where(
            col(stage.quarantine_id) == col(Quarantine.id),
            col(stage.discarded_at).is_(None),
            col(stage.care_policy_id).is_not(None),
            col(stage.ends_on) >= clock.today(),
        )
        .order_by(col(stage.starts_on))
        .limit(1)
        .correlate(Quarantine)
        .scalar_subquery()
    )
    return func.coalesce(asking, col(Quarantine.care_policy_id))


def team_complete(policy: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Whether a team is whole by a policy; by the quarantine's own it was said when arranged."""
    own = policy == col(Quarantine.care_policy_id)
    fresh = not_(func.team_lacks(col(Quarantine.id), policy))
    return case((own, col(Quarantine.team_complete)), else_=fresh)


def lacks_team() -> ColumnElement[bool]:
    """Without the complete team that the stage of today asks for, or the first one to come.

    At a site no team is asked for, and none after the last stage.
    """
    today, stage = clock.today(), QuarantineStage
    return exists().where(
        col(stage.quarantine_id) == Quarantine.id,
        col(stage.discarded_at).is_(None),
        col(stage.starts_on) <= func.greatest(today, col(Quarantine.started_on)),
        col(stage.ends_on) >= today,
        and_(
            col(stage.care_policy_id).is_not(None),
            not_(team_complete(col(stage.care_policy_id))),
        ),
    )


async def rule_of(session: AsyncSession, quarantine: Quarantine) -> CareTeamRule:
    """The care-team policy that judges the team of this quarantine today."""
    statement = (
        select(CareTeamPolicy)
        .join(Quarantine, col(CareTeamPolicy.id) == care_policy_today())
        .where(col(Quarantine.id) == quarantine.id)
    )
    return care_team_rule((await session.scalars(statement)).one())
