"""Releasing a person once every condition holds, approved by whom the plan names (M3.8)."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.problems import NotPermitted
from api.foundation.records import new_id
from api.protocols.documents import Approver
from api.quarantines.ending import end, ended_so, refuse_future_end
from api.quarantines.models import EndReason, Quarantine, QuarantineStatus
from api.quarantines.problems import ReleaseConditionsUnmet
from api.quarantines.queries import in_charge
from api.releases.conditions import Condition, weigh
from api.releases.dossiers import PlanFollowed, dossiers, plans_followed
from api.releases.models import Release
from api.releases.notice_drafts import draft_notice
from api.releases.notices import SEALED_AS
from api.releases.schemas import ReleaseApproval


async def weigh_all(
    session: AsyncSession,
    quarantines: Sequence[Quarantine],
    followed: dict[UUID, PlanFollowed],
    *,
    on: date,
) -> dict[UUID, list[Condition]]:
    """The conditions of releasing each on a local day, in as many statements as for one."""
    known = await dossiers(session, quarantines, followed)
    return {id_: weigh(dossier, on) for id_, dossier in known.items()}


def may_approve(caller: Claims, approver: Approver | None) -> bool:
    """Whether this post may release: as the plan says, else whoever manages quarantines."""
    if approver is None:
        return Permission.quarantines_manage in permitted(caller.role, caller.level)
    return caller.role in approver.roles and caller.level <= approver.max_level


async def release(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: ReleaseApproval
) -> Quarantine:
    """End a quarantine whose conditions all hold, and produce its notice; sent twice, done once.

    Raises `NotPermitted`, `ReleaseConditionsUnmet`, `QuarantineEnded`, `InvalidInput`,
    `OutsideYourGrid`, `NotFound`.
    """
    quarantine = await in_charge(session, quarantine_id)
    followed = await plans_followed(session, [quarantine.id])
    plan = followed.get(quarantine.id)
    _refuse_approver(caller, plan)
    ending = {
        "status": QuarantineStatus.released,
        "ended_on": said.ended_on,
        "end_reason": EndReason.completed,
    }
    if ended_so(quarantine, ending):
        return quarantine
    refuse_future_end(said.ended_on)
    conditions = (await weigh_all(session, [quarantine], followed, on=said.ended_on))[quarantine.id]
    _refuse_unmet(conditions)
    await end(session, caller, quarantine, ending, reason=said.reason)
    kept = await _keep(session, caller, quarantine, plan, conditions)
    details = {"number": kept.number, "conditions": [each.kind.value for each in conditions]}
    subject, reach = quarantine.id, quarantine.reach
    audit(session, caller, "quarantines.release", subject=subject, reach=reach, details=details)
    return quarantine


def _refuse_approver(caller: Claims, plan: PlanFollowed | None) -> None:
    approver = plan.plan.release.approver if plan else None
    if may_approve(caller, approver):
        return
    if approver is None:
        raise NotPermitted(permission=Permission.quarantines_manage)
    roles = "、".join(role.label for role in approver.roles)
    raise NotPermitted(f"方案规定由第{approver.max_level}级及以上网格的{roles}批准解除。")


def _refuse_unmet(conditions: Sequence[Condition]) -> None:
    unmet = [each for each in conditions if not each.holds]
    if unmet:
        told = "".join(each.detail for each in unmet)
        raise ReleaseConditionsUnmet(
            f"解除的条件尚未具备：{told}", unmet=[_plain(each) for each in unmet]
        )


def _plain(condition: Condition) -> dict[str, Any]:
    return {
        "kind": condition.kind.value,
        "holds": condition.holds,
        "detail": condition.detail,
        "evidence": [str(each) for each in condition.evidence],
    }


async def _keep(
    session: AsyncSession,
    caller: Claims,
    quarantine: Quarantine,
    followed: PlanFollowed | None,
    conditions: Sequence[Condition],
) -> Release:
    """The release with the conditions as they were weighed, and the notice, sealed."""
    notice = await draft_notice(session, caller, quarantine, followed, conditions)
    row = Release(
        id=new_id(),
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        resident_id=quarantine.resident_id,
        grid_id=quarantine.grid_id,
        number=notice.number,
        released_on=notice.released_on,
        approved_at=clock.now(),
        approved_by=caller.worker,
        approver_post=caller.post,
        conditions=[_plain(each) for each in conditions],
        follow_up_days=sorted(followed.plan.follow_up_days) if followed else [],
        notice_sealed=keyring_of(session).seal(notice.model_dump_json(), context=SEALED_AS),
    )
    session.add(row)
    await session.flush()
    return row
