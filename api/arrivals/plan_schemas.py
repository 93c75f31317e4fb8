"""The plan that is proposed for an arrival, who else is concerned, and what a leader decides."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Input, RecordId, ShortText, Wire
from api.foundation.labels import Labelled
from api.protocols.models import ExposureClass, RiskLevel
from api.protocols.what_if_schemas import PlanLaid, PlanningDay, RuleConsidered
from api.quarantines.models import PlaceKind
from api.quarantines.schemas import LARGEST_TEAM, SeatTaken


class Concern(Labelled):
    """Why somebody else is concerned."""

    companion = "companion", "同行人员"
    cohabitant = "cohabitant", "同住人员"


class Concerned(Wire):
    """Somebody who travelled along, or lives under the same roof."""

    concern: Concern
    arrival_id: UUID | None = Field(description="其返（来）乡登记")
    resident_id: UUID | None = Field(description="是哪位居民")
    name: str = Field(description="姓名")
    risk_level: RiskLevel | None = Field(description="其返（来）乡登记判定的风险等级")
    quarantine_id: UUID | None = Field(description="其未结束的隔离")
    must_follow: bool = Field(description="按方案须一并隔离")


class FactsRead(Wire):
    """What the rules are asked about."""

    exposure_class: ExposureClass
    risk_level: RiskLevel
    area_codes: list[str] = Field(description="到过的地区")
    last_exposure_on: date | None = Field(description="末次暴露日期")
    left_risk_area_on: date | None = Field(description="离开风险区日期")
    arrived_on: date = Field(description="抵达日期；未抵达的为预计日期")
    age: int | None = Field(description="周岁")
    vaccinated: bool | None = Field(description="是否全程接种疫苗")
    occupations: list[str] = Field(description="从事的职业或人员类型")


class ArrivalProposal(Wire):
    """The plan that would apply from a day on, and why; nothing is stored."""

    arrival_id: UUID = Field(description="返（来）乡登记")
    control_starts_on: date = Field(description="开始管控日期，也是作出决定的日期")
    facts: FactsRead = Field(description="据以判断的情况")
    explanation: str = Field(description="风险判定的理由，按该方案的追溯期")
    plan: PlanLaid | None = Field(description="适用的管理方案；null 为没有适用的条款")
    considered: list[RuleConsidered] = Field(description="逐条考虑的结果")
    concerned: list[Concerned] = Field(description="还涉及哪些人")


class ArrivalConfirmation(Input):
    """A leader confirms the plan: the quarantine begins with its stages."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8101",
                    "control_started_on": "2022-02-12",
                }
            ]
        }
    )

    quarantine_id: Annotated[RecordId, Field(description="新隔离的编号，由设备生成")]
    control_started_on: Annotated[PlanningDay, Field(description="开始管控日期")]
    place_kind: Annotated[
        PlaceKind | None, Field(description="隔离地点类别；不填则按首阶段的措施")
    ] = None
    place: Annotated[ShortText | None, Field(description="隔离地点；在本户家中的可不填")] = None
    protocol_id: Annotated[
        UUID | None, Field(description="只按这一份施行中的方案；不填则依次按各方案")
    ] = None
    team: Annotated[
        list[SeatTaken],
        Field(max_length=LARGEST_TEAM, description="包保人员；可稍后安排", default_factory=list),
    ]


class ArrivalLeftAsIs(Input):
    """A leader has looked and changes nothing: no control, or the plan that runs already."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "离开风险区已满21天，核酸阴性"}]}
    )

    reason: Annotated[ShortText, Field(description="理由，将被记录")]
