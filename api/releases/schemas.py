"""Releases on the wire: the conditions with their evidence, the approval, the notice."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.access.permissions import Role
from api.foundation.fields import Day, Input, LongText, ShortText, Wire
from api.releases.conditions import ConditionKind

RevealReason = Annotated[
    LongText | None,
    Field(min_length=4, description="查看证件号、住址全文的原因，至少4个字，将被记录；不填则脱敏"),
]


class ReleaseApproval(Input):
    """Somebody who may approves that a person is released (解除)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ended_on": "2022-02-21", "reason": "期满，核酸均为阴性"}]}
    )

    ended_on: Annotated[Day, Field(description="解除日期，不早于计划解除日期，不晚于今天")]
    reason: Annotated[ShortText, Field(description="解除的理由，将被记录")]


class ConditionRead(Wire):
    """One condition: whether it holds, why, and the records that show it."""

    kind: ConditionKind
    holds: bool = Field(description="是否已具备")
    detail: str = Field(description="说明")
    evidence: list[UUID] = Field(description="作为凭据的检测、异常、转运等记录的编号")


class ApproverRead(Wire):
    """Who may approve: one of these roles, at this level of the tree or above."""

    roles: list[Role] = Field(description="可批准的身份")
    max_level: int = Field(description="任职网格的最低层级，1为乡镇")


class ReleaseRead(Wire):
    """Whether a person can be released today, condition by condition, and who approves it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "resident_name": "黄秀英",
                    "household_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "planned_end_on": "2022-02-21",
                    "ready": False,
                    "conditions": [
                        {
                            "kind": "tests_negative",
                            "holds": False,
                            "detail": "2月8日阴性；2月14日漏检，尚未补测。",
                            "evidence": ["01890a5d-ac96-774b-bcce-b302099a8057"],
                        }
                    ],
                    "approver": {"roles": ["grid_leader"], "max_level": 1},
                    "may_approve": False,
                    "change_requested_id": None,
                }
            ]
        }
    )

    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="被隔离的居民")
    resident_name: str = Field(description="姓名")
    household_id: UUID = Field(description="所在户")
    grid_id: UUID = Field(description="所在网格")
    planned_end_on: date = Field(description="计划解除日期")
    ready: bool = Field(description="今天能否解除：各项条件是否都已具备")
    conditions: list[ConditionRead] = Field(description="各项条件及其凭据")
    approver: ApproverRead | None = Field(
        description="方案规定由谁批准；没有方案的为 null，由有权管理隔离的人员批准"
    )
    may_approve: bool = Field(description="本人能否批准")
    change_requested_id: UUID | None = Field(
        description="待审批的期限变更申请；不妨碍解除，解除即撤回该申请，请先阅看。没有的为 null"
    )


class NoticeRead(Wire):
    """The notice that the released person receives."""

    quarantine_id: UUID = Field(description="所属隔离")
    number: str = Field(description="文号", examples=["解除〔2022〕12号"])
    title: str = Field(description="标题", examples=["解除隔离医学观察告知书"])
    released_on: date = Field(description="解除日期")
    text: str = Field(description="正文，逐行")
