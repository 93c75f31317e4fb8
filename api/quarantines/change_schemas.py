"""Changes of a running quarantine on the wire: asked for, decided, and how the stages stood."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, LongText, ShortText, Wire
from api.protocols.models import ManagementCategory
from api.protocols.schemas import PolicyCode
from api.protocols.what_if_schemas import PlanningDay
from api.quarantines.stage_models import ChangeKind, ChangeStatus

_ASKED: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8301",
    "kind": "extension",
    "ends_on": "2022-02-24",
    "reason": "第14天核酸漏检，须补测后解除",
    "legal_basis": "青竹乡防控指挥部〔2022〕4号",
}


class ChangeRequest(FromTheField):
    """A change that somebody else is to decide (domain 3.9)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASKED]})

    kind: Annotated[ChangeKind, Field(description="变更什么")]
    stage_id: Annotated[
        UUID | None, Field(description="延长、缩短哪一阶段；不填为今天所在或最后的阶段")
    ] = None
    ends_on: Annotated[
        PlanningDay | None,
        Field(description="该阶段新的末日；提前结束的为整个隔离的末日，不填为今天；改用方案的不填"),
    ] = None
    protocol_id: Annotated[UUID | None, Field(description="改用哪一版方案")] = None
    plan_code: Annotated[PolicyCode | None, Field(description="改用其中哪个管理方案")] = None
    reason: Annotated[LongText, Field(min_length=4, description="理由，至少4个字")]
    legal_basis: Annotated[LongText, Field(description="依据：文件名称、文号")]


class ChangeDecision(Input):
    """What the one who decides adds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "情况属实，同意"}]})

    note: Annotated[ShortText | None, Field(description="意见")] = None


class ChangeRejection(Input):
    """Why it is not approved, or no longer asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已补测，不须延长"}]})

    note: Annotated[ShortText, Field(description="不批准或撤回的理由")]


class StageBefore(Wire):
    """A stage as it stood before the change."""

    id: UUID = Field(description="编号")
    category: ManagementCategory
    starts_on: date = Field(description="首日（含）")
    ends_on: date = Field(description="末日（含）")
    counted_from: date = Field(description="起算日")


class CohabitantChanged(Wire):
    """Somebody quarantined along with the person whom the same decision concerns."""

    change_id: UUID = Field(description="其本人的变更编号")
    quarantine_id: UUID = Field(description="其本人的隔离")
    resident_id: UUID = Field(description="居民")
    resident_name: str = Field(description="姓名")
    status: ChangeStatus


class ChangeRead(Wire):
    """A change as it was asked for and decided."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号")
    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="被隔离的居民")
    resident_name: str = Field(description="姓名")
    grid_id: UUID = Field(description="所在网格")
    kind: ChangeKind
    status: ChangeStatus
    stage_id: UUID | None = Field(description="哪一阶段")
    ends_on: date | None = Field(description="新的末日")
    protocol_id: UUID | None = Field(description="改用哪一版方案")
    plan_code: str | None = Field(description="改用哪个管理方案")
    reason: str = Field(description="理由")
    legal_basis: str = Field(description="依据")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="申请人")
    entered_by: UUID = Field(description="录入的人")
    decided_by: UUID | None = Field(description="由谁决定；撤回的为 null")
    decided_at: datetime | None = Field(description="何时决定或撤回")
    decision_note: str | None = Field(description="意见")
    stages_before: list[StageBefore] | None = Field(
        description="变更前各阶段的起止；未批准的为 null"
    )
    follows_change_id: UUID | None = Field(description="随哪一项变更而变更；不是随同的为 null")
    cohabitants: list[CohabitantChanged] = Field(
        description="随同变更的同住人员；其本人日期已另行变更的，转为待审批的申请"
    )
