"""Alert policies over HTTP: read by everyone who serves, made by the township."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.alerts import policies
from api.alerts.models import AlertPolicy
from api.alerts.policy_schemas import AlertPolicyRead, AlertPolicyRecord
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import RecordDiffers
from api.foundation.records import tell_created
from api.protocols import queries
from api.protocols.problems import PolicyOutOfOrder, PolicyRevisionTaken
from api.protocols.schemas import PolicyCode

router = room("alerts")

PolicyReader = Annotated[Claims, permits(Permission.policies_read)]
PolicyMaker = Annotated[Claims, permits(Permission.policies_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfCode = Annotated[PolicyCode | None, Query(description="只看这一代码的各版")]

_KEPT = "同一编号、同一内容此前已提交"


@router.get("/alert-policies")
async def list_alert_policies(
    _: PolicyReader, session: ScopedSession, page: Paged, code: OfCode = None
) -> Page[AlertPolicyRead]:
    """列出异常上报时限规则的各版。

    按代码、版次排列；`effective_to` 为 null 的是最新一版（M3.5）。
    """
    return await queries.policies(session, AlertPolicy, page, wire=AlertPolicyRead, code=code)


@router.post(
    "/alert-policies",
    status_code=201,
    responses={
        200: {"model": AlertPolicyRead, "description": _KEPT},
        **writes(RecordDiffers, PolicyOutOfOrder, PolicyRevisionTaken),
    },
)
async def make_alert_policy(
    policy: AlertPolicyRecord, maker: PolicyMaker, session: ScopedSession, response: Response
) -> AlertPolicyRead:
    """制定异常上报时限规则，或修订为新一版。

    未办结的异常仍按发生时的一版；某类异常没有规则的，按最新的一项规则上报（M3.5）。
    """
    kept, created = await policies.make_alert_policy(session, maker, policy)
    tell_created(response, f"/v1/alert-policies/{kept.id}", version=1, created=created)
    return AlertPolicyRead.model_validate(kept)


@router.get("/alert-policies/{policy_id}", responses=found())
async def read_alert_policy(
    policy_id: UUID, _: PolicyReader, session: ScopedSession
) -> AlertPolicyRead:
    """查看异常上报时限规则的一版。"""
    return AlertPolicyRead.model_validate(await queries.policy_of(session, AlertPolicy, policy_id))
