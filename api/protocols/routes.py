"""Policies over HTTP: read by everyone who serves, made by the township."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import RecordDiffers
from api.foundation.records import tell_created
from api.protocols import queries, service
from api.protocols.models import CareTeamPolicy, MonitoringPolicy
from api.protocols.problems import PolicyOutOfOrder, PolicyRevisionTaken
from api.protocols.schemas import (
    CareTeamPolicyRead,
    CareTeamPolicyRecord,
    MonitoringPolicyRead,
    MonitoringPolicyRecord,
    PolicyCode,
)

router = room("protocols")

PolicyReader = Annotated[Claims, permits(Permission.policies_read)]
PolicyMaker = Annotated[Claims, permits(Permission.policies_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfCode = Annotated[PolicyCode | None, Query(description="只看这一代码的各版")]

_KEPT = "同一编号、同一内容此前已提交"
_MAKING = writes(RecordDiffers, PolicyOutOfOrder, PolicyRevisionTaken)


async def policies_of(request: Request) -> queries.PolicyShelf:
    shelf: queries.PolicyShelf = request.app.state.policies
    return shelf


Policies = Annotated[queries.PolicyShelf, Depends(policies_of)]
"""The shelf of monitoring rules, for the routes above that judge a temperature."""


@router.get("/care-team-policies", response_model=Page[CareTeamPolicyRead])
async def list_care_team_policies(
    reader: PolicyReader, session: ScopedSession, page: Paged, code: OfCode = None
) -> Page[CareTeamPolicyRead]:
    """列出包保规则的各版。

    按代码、版次排列；`effective_to` 为 null 的是最新一版（M3.2）。
    """
    return await queries.policies(session, CareTeamPolicy, page, wire=CareTeamPolicyRead, code=code)


@router.post(
    "/care-team-policies",
    status_code=201,
    response_model=CareTeamPolicyRead,
    responses={200: {"model": CareTeamPolicyRead, "description": _KEPT}, **_MAKING},
)
async def make_care_team_policy(
    policy: CareTeamPolicyRecord, maker: PolicyMaker, session: ScopedSession, response: Response
) -> CareTeamPolicyRead:
    """制定包保规则，或修订为新一版。

    新代码为第 1 版；已有代码则为下一版，前一版止于新版施行的前一日，内容不变（M3.2）。
    """
    kept, created = await service.make_care_team_policy(session, maker, policy)
    tell_created(response, f"/v1/care-team-policies/{kept.id}", version=1, created=created)
    return CareTeamPolicyRead.model_validate(kept)


@router.get("/care-team-policies/{policy_id}", response_model=CareTeamPolicyRead, responses=found())
async def read_care_team_policy(
    policy_id: UUID, reader: PolicyReader, session: ScopedSession
) -> CareTeamPolicyRead:
    """查看包保规则的一版。"""
    policy = await queries.policy_of(session, CareTeamPolicy, policy_id)
    return CareTeamPolicyRead.model_validate(policy)


@router.get("/monitoring-policies", response_model=Page[MonitoringPolicyRead])
async def list_monitoring_policies(
    reader: PolicyReader, session: ScopedSession, page: Paged, code: OfCode = None
) -> Page[MonitoringPolicyRead]:
    """列出测温规则的各版。

    按代码、版次排列；`effective_to` 为 null 的是最新一版（M3.3）。
    """
    return await queries.policies(
        session, MonitoringPolicy, page, wire=MonitoringPolicyRead, code=code
    )


@router.post(
    "/monitoring-policies",
    status_code=201,
    response_model=MonitoringPolicyRead,
    responses={200: {"model": MonitoringPolicyRead, "description": _KEPT}, **_MAKING},
)
async def make_monitoring_policy(
    policy: MonitoringPolicyRecord, maker: PolicyMaker, session: ScopedSession, response: Response
) -> MonitoringPolicyRead:
    """制定测温规则，或修订为新一版。

    时段以当地时间计，按先后排列，互不重叠，不跨日；已有代码则为下一版，前一版止于新版施行的前一日（M3.3）。
    """
    kept, created = await service.make_monitoring_policy(session, maker, policy)
    tell_created(response, f"/v1/monitoring-policies/{kept.id}", version=1, created=created)
    return MonitoringPolicyRead.model_validate(kept)


@router.get(
    "/monitoring-policies/{policy_id}", response_model=MonitoringPolicyRead, responses=found()
)
async def read_monitoring_policy(
    policy_id: UUID, reader: PolicyReader, session: ScopedSession
) -> MonitoringPolicyRead:
    """查看测温规则的一版。"""
    policy = await queries.policy_of(session, MonitoringPolicy, policy_id)
    return MonitoringPolicyRead.model_validate(policy)
