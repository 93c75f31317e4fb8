"""Changes of a running quarantine on the wire: asked for, decided, and how the stages stood."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.field_records import FromTheField
from api.foundation.fields import Day, Input, LongText, ShortText, Wire
from api.protocols.models import CohabitantRule, LeaveHome, ManagementCategory
from api.protocols.schemas import PolicyCode
from api.protocols.what_if_schemas import TestDay
from api.quarantines.stage_models import ChangeKind, ChangeStatus, Link

_ASKED: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8301",
    "kind": "extension",
    "ends_on": "2022-02-24",
    "reason": "第14天核酸漏检,须补测后解除",
    "legal_basis": "青竹乡防控指挥部〔2022〕4号",
}


class ChangeRequest(FromTheField):
    """A change that somebody else is to decide (domain 3.9)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASKED]})

    kind: Annotated[ChangeKind, Field(description="变更什么")]
    stage_id: Annotated[
        UUID | None, Field(description="延长、缩短哪一阶段;不填为今天所在或最后的阶段")
    ] = None
    ends_on: Annotated[
        Day | None,
        Field(description="该阶段新的末日;提前结束的为整个隔离的末日,不填为今天;改用方案的不填"),
    ] = None
    protocol_id: Annotated[UUID | None, Field(description="改用哪一版方案")] = None
    plan_code: Annotated[PolicyCode | None, Field(description="改用其中哪个管理方案")] = None
    reason: Annotated[LongText, Field(min_length=4, description="理由,至少4个字")]
    legal_basis: Annotated[LongText, Field(description="依据:文件名称、文号")]


class Decision(Input):
    """What the one who decides adds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "情况属实,同意"}]})

    note: Annotated[ShortText | None, Field(description="意见")] = None


class StageRead(Wire):
    """One stage with its days, both included, and what is due in it."""

    id: UUID
    version: int = Field(description="版本号")
    ordinal: int = Field(description="第几阶段,从1起")
    category: ManagementCategory
    starts_on: date = Field(description="首日(含)")
    ends_on: date = Field(description="末日(含)")
    counted_from: date = Field(description="起算日")
    day_index_base: int = Field(description="起算日算第几天:0或1")
    credited_days: int = Field(description="抵扣的天数(填平补齐)")
    day_number: int | None = Field(description="今天是本阶段第几天;不在本阶段的为 null")
    monitoring_policy: str | None = Field(description="测温规则代码;null 为不测温")
    care_policy: str | None = Field(description="包保规则代码;null 为不要求")
    tests: list[TestDay] = Field(description="须做的检测")
    visits_per_day: int = Field(description="每日上门次数")
    calls_per_day: int = Field(description="每日问候电话次数")
    cohabitant_rule: CohabitantRule
    leave_home: LeaveHome
    site_check_due: bool = Field(description="住所是否还须核查")
    fallback_category: ManagementCategory | None = Field(description="住所不符合时改用的措施")


class PlanFollowedRead(Wire):
    """By which version of which protocol it runs, and the clause that decided."""

    protocol_id: UUID
    protocol_code: str = Field(description="方案代码")
    protocol_revision: int = Field(description="第几版")
    protocol_name: str = Field(description="方案名称")
    plan_code: str = Field(description="管理方案代码")
    clause: str = Field(description="作出决定的条款")
    facts: dict[str, Any] = Field(description="据以决定的情况")
    arrival_id: UUID | None = Field(description="由哪次返(来)乡而来")
    linked_quarantine_id: UUID | None = Field(description="跟随哪一条隔离")
    link: Link | None = Field(description="为何跟随")
    decided_at: datetime = Field(description="何时决定")
    decided_by: UUID = Field(description="由谁决定")


class StagesRead(Wire):
    """The course of one quarantine; without a plan it was begun by hand, in one stage."""

    quarantine_id: UUID
    plan: PlanFollowedRead | None = Field(description="所依方案;手工登记的为 null")
    stages: list[StageRead] = Field(description="各阶段,按先后")
    waiting_for_release: bool = Field(description="各阶段均已期满而尚未解除")


class ChangeRead(Wire):
    """A change as it was asked for and decided."""

    id: UUID
    version: int = Field(description="版本号")
    quarantine_id: UUID
    kind: ChangeKind
    status: ChangeStatus
    stage_id: UUID | None = Field(description="哪一阶段")
    ends_on: date | None = Field(description="新的末日")
    protocol_id: UUID | None = Field(description="改用哪一版方案")
    plan_code: str | None = Field(description="改用哪个管理方案")
    reason: str = Field(description="理由")
    legal_basis: str = Field(description="依据")
    entered_by: UUID = Field(description="由谁申请")
    recorded_at: datetime = Field(description="何时申请")
    decided_by: UUID | None = Field(description="由谁决定")
    decided_at: datetime | None = Field(description="何时决定")
    decision_note: str | None = Field(description="意见")
    stages_before: list[dict[str, Any]] | None = Field(description="变更前各阶段的起止")
