"""Rules of checkpoints over HTTP: read by everyone who serves, made by the township."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.checkpoints import rules
from api.checkpoints.models import CheckpointRule
from api.checkpoints.rule_schemas import CheckpointRuleRead, CheckpointRuleRecord
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import RecordDiffers
from api.foundation.records import tell_created
from api.protocols import queries
from api.protocols.problems import PolicyOutOfOrder, PolicyRevisionTaken
from api.protocols.schemas import PolicyCode

router = room("checkpoints")

PolicyReader = Annotated[Claims, permits(Permission.policies_read)]
PolicyMaker = Annotated[Claims, permits(Permission.policies_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfCode = Annotated[PolicyCode | None, Query(description="只看这一代码的各版")]

_KEPT = "同一编号、同一内容此前已提交"


@router.get("/checkpoint-rules")
async def list_checkpoint_rules(
    _: PolicyReader, session: ScopedSession, page: Paged, code: OfCode = None
) -> Page[CheckpointRuleRead]:
    """列出卡点查验规则的各版。

    按代码、版次排列；`effective_to` 为 null 的是最新一版（M2.8）。
    """
    return await queries.policies(session, CheckpointRule, page, wire=CheckpointRuleRead, code=code)


@router.post(
    "/checkpoint-rules",
    status_code=201,
    responses={
        200: {"model": CheckpointRuleRead, "description": _KEPT},
        **writes(RecordDiffers, PolicyOutOfOrder, PolicyRevisionTaken),
    },
)
async def make_checkpoint_rule(
    rule: CheckpointRuleRecord, maker: PolicyMaker, session: ScopedSession, response: Response
) -> CheckpointRuleRead:
    """制定卡点查验规则，或修订为新一版。

    查哪几项、多久以内有效、各种结果如何处理、查询不到时如何处理、记录保存多久，都由规则规定；
    红码不得放行，查询不到的不视为绿码（M2.8）。
    """
    kept, created = await rules.make_checkpoint_rule(session, maker, rule)
    tell_created(response, f"/v1/checkpoint-rules/{kept.id}", version=1, created=created)
    return CheckpointRuleRead.model_validate(kept)


@router.get("/checkpoint-rules/{policy_id}", responses=found())
async def read_checkpoint_rule(
    policy_id: UUID, _: PolicyReader, session: ScopedSession
) -> CheckpointRuleRead:
    """查看卡点查验规则的一版。"""
    kept = await queries.policy_of(session, CheckpointRule, policy_id)
    return CheckpointRuleRead.model_validate(kept)
