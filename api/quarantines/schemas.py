"""What is told of quarantines and whereabouts, and what is shown: places and phones masked."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from api.access.permissions import Role
from api.foundation.batches import EACH_ALONE
from api.foundation.field_records import FromTheField
from api.foundation.fields import (
    Day,
    Input,
    Instant,
    LongText,
    MaskedPhone,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)
from api.foundation.records import Source
from api.protocols.models import ManagementCategory, WhereaboutsKind
from api.protocols.schemas import PolicyCode
from api.quarantines.models import (
    EndReason,
    PlaceKind,
    QuarantineReason,
    QuarantineStatus,
    TerminationReason,
)
from api.quarantines.stage_schemas import ProtocolFollowed, StageNow

LARGEST_TEAM = 20
LARGEST_BATCH = 100

_BEGIN: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8101",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "reason": "medium_risk_area",
    "category": "home_quarantine",
    "place_kind": "home",
    "started_on": "2022-02-08",
    "planned_end_on": "2022-02-21",
    "legal_basis": "青竹乡防控指挥部〔2022〕2号",
}


class SeatTaken(Input):
    """A worker who serves the person, with the id of the seat."""

    id: Annotated[RecordId, Field(description="包保席位的编号，由设备生成")]
    worker_id: Annotated[UUID, Field(description="包保人员")]


class QuarantineBegin(FromTheField):
    """A resident comes under control; the team may come along or follow."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BEGIN]})

    resident_id: Annotated[UUID, Field(description="被隔离的居民")]
    reason: Annotated[QuarantineReason, Field(description="隔离原因")]
    category: Annotated[ManagementCategory, Field(description="管理措施")]
    place_kind: Annotated[PlaceKind, Field(description="隔离地点类别")]
    place: Annotated[ShortText | None, Field(description="隔离地点；在本户家中的可不填")] = None
    started_on: Annotated[Day, Field(description="开始日期，为第 1 天")]
    planned_end_on: Annotated[Day, Field(description="计划解除日期，为最后一天")]
    legal_basis: Annotated[LongText | None, Field(description="依据")] = None
    care_policy: Annotated[PolicyCode, Field(description="包保规则代码")] = "four_to_one"
    monitoring_policy: Annotated[PolicyCode, Field(description="测温规则代码")] = "twice_daily"
    team: list[SeatTaken] = Field(
        [], max_length=LARGEST_TEAM, description="包保人员；可稍后安排，但安排时须符合规则"
    )


class QuarantineBatch(Input):
    """Many at once, as when a bus arrives: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_BEGIN]}]})

    items: Annotated[
        list[Annotated[QuarantineBegin, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


def _by_a_change_only(_: object) -> None:
    raise PydanticCustomError("by_change", "期限不能直接更正，请申请延长或缩短，由他人审批")


class QuarantineCorrect(Input):
    """What is to be put right; only the members that are sent are changed.

    The period is not among them: it is lengthened or shortened by a change that others approve.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "started_on": "2022-02-07",
                    "legal_basis": "青竹乡防控指挥部〔2022〕4号",
                    "change_reason": "开始日期登记有误",
                }
            ]
        }
    )

    reason: Annotated[QuarantineReason, Field(description="隔离原因", default_factory=unsaid)]
    category: Annotated[
        ManagementCategory,
        Field(description="管理措施；只有一个阶段的才能更正", default_factory=unsaid),
    ]
    place_kind: Annotated[PlaceKind, Field(description="隔离地点类别", default_factory=unsaid)]
    place: Annotated[ShortText | None, Field(description="隔离地点；null 为删除")] = None
    started_on: Annotated[
        Day,
        Field(
            description="开始日期；只有一个阶段的才能更正，须同时写明依据", default_factory=unsaid
        ),
    ]
    planned_end_on: SkipJsonSchema[Annotated[None, BeforeValidator(_by_a_change_only)]] = None
    legal_basis: Annotated[LongText, Field(description="依据", default_factory=unsaid)]
    change_reason: Annotated[ShortText, Field(description="变更的原因，将被记录")]


class Termination(Input):
    """A quarantine ends otherwise than by its period."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ended_on": "2022-02-15", "end_reason": "transferred", "note": "转县集中隔离点"}
            ]
        }
    )

    ended_on: Annotated[Day, Field(description="终止日期，不晚于今天")]
    end_reason: Annotated[TerminationReason, Field(description="终止的原因")]
    note: Annotated[LongText, Field(description="情况说明，加密保存")]


class SeatRead(Wire):
    """A seat of a team: name, role and party membership as they were when it was taken."""

    id: UUID = Field(description="编号")
    worker_id: UUID = Field(description="包保人员")
    name: str = Field(description="姓名（任席时）")
    role: Role
    is_party_member: bool = Field(description="是否党员")
    began_at: datetime = Field(description="何时开始")


class WhereaboutsNow(Wire):
    """Where the person is now."""

    kind: WhereaboutsKind
    since_at: datetime = Field(description="从何时起")


class QuarantineRead(Wire):
    """A quarantine with its person, team and whereabouts now."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，更正时放在 If-Match 中")
    resident_id: UUID = Field(description="被隔离的居民")
    resident_name: str = Field(description="姓名")
    resident_phone: MaskedPhone | None = Field(description="脱敏的电话")
    household_id: UUID = Field(description="所在户")
    grid_id: UUID = Field(description="所在网格")
    reason: QuarantineReason
    category: ManagementCategory
    stage: StageNow
    protocol: ProtocolFollowed | None = Field(description="所依方案；手工登记的为 null")
    place_kind: PlaceKind
    place: str | None = Field(description="脱敏的隔离地点")
    started_on: date = Field(description="开始日期，为第 1 天")
    planned_end_on: date = Field(description="计划解除日期")
    ended_on: date | None = Field(description="实际结束日期")
    end_reason: EndReason | None = Field(description="结束的原因")
    status: QuarantineStatus
    waiting_for_release: bool = Field(description="各阶段均已期满而尚未解除")
    legal_basis: str | None = Field(description="依据")
    care_policy: str = Field(description="今天须符合的包保规则代码")
    monitoring_policy: str = Field(description="测温规则代码")
    day_number: int | None = Field(
        description="今天是隔离第几天，开始当日为 1；未开始或已结束为 null"
    )
    team_complete: bool = Field(description="包保人员是否已按规则配齐")
    team: list[SeatRead] = Field(description="现有的包保人员")
    whereabouts: WhereaboutsNow | None = Field(description="现在的去向")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source


class TeamGap(Wire):
    """How many quarantines of one grid lack a complete team."""

    grid_id: UUID = Field(description="所在网格")
    grid_code: str = Field(description="网格编码")
    grid_name: str = Field(description="网格名称")
    running: int = Field(description="未结束的隔离人数")
    incomplete: int = Field(description="其中包保人员未配齐的人数")


class TeamGaps(Wire):
    """The grids in which somebody lacks a complete team, and their sum."""

    grids: list[TeamGap] = Field(description="有缺口的网格")
    running: int = Field(description="未结束的隔离人数")
    incomplete: int = Field(description="包保人员未配齐的人数")


class WhereaboutsRecord(FromTheField):
    """Since when the person is where."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8201",
                    "kind": "in_hospital",
                    "since_at": "2022-02-15T09:20:00+08:00",
                    "destination": "县人民医院",
                    "note": "发热，由120转运",
                }
            ]
        }
    )

    kind: Annotated[WhereaboutsKind, Field(description="去向")]
    since_at: Annotated[Instant, Field(description="从何时起")]
    destination: Annotated[ShortText | None, Field(description="去了哪里")] = None
    note: Annotated[LongText | None, Field(description="情况说明，加密保存")] = None


class WhereaboutsRead(Wire):
    """One dated entry; it lasts until the next begins."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，更正时放在 If-Match 中")
    quarantine_id: UUID = Field(description="所属隔离")
    kind: WhereaboutsKind
    since_at: datetime = Field(description="从何时起")
    until_at: datetime | None = Field(description="到何时止；null 为现在的去向")
    destination: str | None = Field(description="脱敏的去处")
    has_note: bool = Field(description="是否有情况说明")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source


class QuarantineReveal(Input):
    """Why the plain values are needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "上门送药，核对住处"}]})

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]


class WhereaboutsRevealed(Wire):
    id: UUID = Field(description="编号")
    destination: str | None = Field(description="去处全文")
    note: str | None = Field(description="情况说明")


class QuarantineRevealed(Wire):
    """The plain values of a quarantine and its whereabouts."""

    id: UUID = Field(description="编号")
    place: str | None = Field(description="隔离地点全文")
    end_note: str | None = Field(description="终止情况说明")
    whereabouts: list[WhereaboutsRevealed] = Field(description="去向，由新到旧")
