"""Making policies: a new code or the next revision of one; what is in force never changes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.records import Proposal, create_once
from api.protocols.faults import Fault, refuse
from api.protocols.models import WHOLE_CELL, CareTeamPolicy, MonitoringPolicy
from api.protocols.problems import PolicyOutOfOrder
from api.protocols.queries import P, latest
from api.protocols.schemas import CareTeamPolicyRecord, MonitoringPolicyRecord


async def make_care_team_policy(
    session: AsyncSession, caller: Claims, policy: CareTeamPolicyRecord
) -> tuple[CareTeamPolicy, bool]:
    """Keep a care-team policy; returns it and whether it is new.

    Raises `InvalidInput`, `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    refuse(_care_team_faults(policy))
    told: dict[str, Any] = policy.model_dump()
    told["role_minima"] = {role.value: number for role, number in policy.role_minima.items()}
    row = CareTeamPolicy(**told, revision=1)
    return await next_revision(session, caller, Proposal(said=policy, row=row))


async def make_monitoring_policy(
    session: AsyncSession, caller: Claims, policy: MonitoringPolicyRecord
) -> tuple[MonitoringPolicy, bool]:
    """Keep a monitoring policy; returns it and whether it is new.

    Raises `InvalidInput`, `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    refuse([*_window_faults(policy), *_threshold_faults(policy)])
    row = MonitoringPolicy(**policy.model_dump(), revision=1)
    return await next_revision(session, caller, Proposal(said=policy, row=row))


async def next_revision(
    session: AsyncSession, caller: Claims, proposal: Proposal[P]
) -> tuple[P, bool]:
    """Keep the first revision of a code, or the next one, from whose first day the former ends.

    Raises `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    row = proposal.row
    former = await latest(session, type(row), row.code)
    if former is not None and not await session.get(type(row), row.id):
        if row.effective_from <= former.effective_from:
            raise PolicyOutOfOrder
        row.revision = former.revision + 1
        former.effective_to = row.effective_from - timedelta(days=1)
    kept, created = await create_once(session, proposal)
    if created:
        details = {"code": row.code, "revision": row.revision}
        audit(session, caller, "policies.make", subject=row.id, reach=WHOLE_CELL, details=details)
    return kept, created


def _care_team_faults(policy: CareTeamPolicyRecord) -> list[Fault]:
    faults: list[Fault] = []
    if policy.min_party_members > policy.size:
        faults.append(("min_party_members", "党员人数不能多于包保人数。"))
    if sum(policy.role_minima.values()) > policy.size:
        faults.append(("role_minima", "各类人员的最少人数之和不能多于包保人数。"))
    return faults


def _window_faults(policy: MonitoringPolicyRecord) -> Iterator[Fault]:
    names: set[str] = set()
    closed = ""
    for place, window in enumerate(policy.windows):
        if window.name in names:
            yield f"windows/{place}/name", "各时段的代码不能重复。"
        if window.closes <= window.opens:
            yield f"windows/{place}/closes", "结束时间须晚于开始时间，且在同一天内。"
        if window.opens < closed:
            yield f"windows/{place}/opens", "时段须按先后排列，不能与前一时段重叠。"
        names.add(window.name)
        closed = max(closed, window.closes)


def _threshold_faults(policy: MonitoringPolicyRecord) -> Iterator[Fault]:
    lowest, highest = policy.plausible_min_c, policy.plausible_max_c
    if lowest >= highest:
        yield "plausible_max_c", "可登记的最高体温须高于最低体温。"
    if not lowest <= policy.low_threshold_c <= highest:
        yield "low_threshold_c", "体温偏低的界限须在可登记的范围内。"
    if not lowest <= policy.fever_threshold_c <= highest:
        yield "fever_threshold_c", "发热界限须在可登记的范围内。"
    if policy.low_threshold_c >= policy.fever_threshold_c:
        yield "low_threshold_c", "体温偏低的界限须低于发热界限。"
