"""Validity policies, what holds of a person by them, and who owes a sample, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.contract import found, problems, room, writes
from api.foundation.fields import Instant
from api.foundation.pages import Page
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.health_records import retests, validity_policies
from api.health_records.code_routes import KEPT, OfGrid, Paged, Reader
from api.health_records.presenting import shown_standing
from api.health_records.retest_schemas import RetestRead
from api.health_records.validity_models import ValidityPolicy
from api.health_records.validity_schemas import (
    StandingRead,
    ValidityPolicyRead,
    ValidityPolicyRecord,
)
from api.protocols import queries
from api.protocols.problems import NoPolicyInForce, PolicyOutOfOrder, PolicyRevisionTaken
from api.protocols.schemas import PolicyCode

router = room("health_records")

PolicyReader = Annotated[Claims, permits(Permission.policies_read)]
PolicyMaker = Annotated[Claims, permits(Permission.policies_manage)]
OfCode = Annotated[PolicyCode | None, Query(description="只看这一代码的各版")]


@router.get("/validity-policies")
async def list_validity_policies(
    _: PolicyReader, session: ScopedSession, page: Paged, code: OfCode = None
) -> Page[ValidityPolicyRead]:
    """列出健康证明有效期规则的各版。

    按代码、版次排列；施行日期最近的一版适用，`effective_to` 为 null 的是最新一版（M2.7）。
    """
    return await queries.policies(session, ValidityPolicy, page, wire=ValidityPolicyRead, code=code)


@router.post(
    "/validity-policies",
    status_code=201,
    responses={
        200: {"model": ValidityPolicyRead, "description": KEPT},
        **writes(RecordDiffers, PolicyOutOfOrder, PolicyRevisionTaken),
    },
)
async def make_validity_policy(
    policy: ValidityPolicyRecord, maker: PolicyMaker, session: ScopedSession, response: Response
) -> ValidityPolicyRead:
    """制定健康证明有效期规则，或修订为新一版。

    检测、健康码、行程卡的有效期，全程和加强的剂次，须单采复核的时限，都以所问之日施行的一版为准（M2.7）。
    """
    kept, created = await validity_policies.make_validity_policy(session, maker, policy)
    tell_created(response, f"/v1/validity-policies/{kept.id}", version=1, created=created)
    return ValidityPolicyRead.model_validate(kept)


@router.get("/validity-policies/{policy_id}", responses=found())
async def read_validity_policy(
    policy_id: UUID, _: PolicyReader, session: ScopedSession
) -> ValidityPolicyRead:
    """查看健康证明有效期规则的一版。"""
    policy = await queries.policy_of(session, ValidityPolicy, policy_id)
    return ValidityPolicyRead.model_validate(policy)


@router.get("/residents/{resident_id}/standing", responses=problems(NotFound, NoPolicyInForce))
async def read_standing(
    resident_id: UUID,
    _: Reader,
    session: ScopedSession,
    at: Annotated[Instant | None, Query(description="所问的时间；不填则为现在")] = None,
) -> StandingRead:
    """查看一人的健康码、行程卡、检测、接种现在是否有效。

    每一项都写明有效期至何时、依据哪一条；查询不到结果的健康码不算绿码，也不能作为凭据（M2.7）。
    """
    return await shown_standing(session, resident_id, at or clock.now())


@router.get("/retests")
async def list_retests(
    _: Reader, session: ScopedSession, page: Paged, grid_id: OfGrid = None
) -> Page[RetestRead]:
    """列出尚须单采复核的人，先到期的在前。

    混采不是阴性的，管内各人须单采复核；抗原阳性的，须核酸确认；采样并有明确结果或等待结果后不再列出。
    """
    return await retests.page_of_retests(session, page, grid_id=grid_id)
