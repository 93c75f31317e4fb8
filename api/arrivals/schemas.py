"""What is shown of arrivals: documents, phones and destinations masked."""

from datetime import date, datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from api.arrivals.models import ArrivalStatus, ClassifiedBecause, Transport
from api.foundation.fields import MaskedDocument, MaskedPhone, Wire
from api.foundation.identity import DocumentKind, Sex
from api.foundation.records import Source
from api.health_records.validity import VaccinationStatus
from api.protocols.models import ExposureClass, RiskLevel


class StayRead(Wire):
    """A place where somebody was, both days included."""

    code: str = Field(description="行政区划代码")
    from_on: date = Field(description="自哪天")
    to_on: date = Field(description="至哪天")


class ArrivalRead(Wire):
    """An arrival with how it is classed, what is decided of it, and how it was reported."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8601",
                    "version": 3,
                    "household_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "name": "黄小妹",
                    "sex": "female",
                    "age": 26,
                    "is_minor": False,
                    "document_kind": "resident_identity",
                    "document": "451***********0012",
                    "phone": "138****5678",
                    "contact_name": "黄秀英",
                    "contact_phone": "138****8765",
                    "status": "verified",
                    "expected_on": "2022-02-12",
                    "overdue": False,
                    "arrived_at": "2022-02-12T08:20:00Z",
                    "arrival_told_at": "2022-02-12T09:00:00Z",
                    "verified_at": "2022-02-12T09:05:00Z",
                    "verified_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "pre_reported_in_time": True,
                    "arrival_report_due_at": "2022-02-12T20:20:00Z",
                    "reported_in_time": True,
                    "transport": "coach",
                    "origin_code": "451026",
                    "occupations": ["migrant_worker"],
                    "vaccination": "booster",
                    "stays": [
                        {"code": "451026101", "from_on": "2021-12-20", "to_on": "2022-02-12"}
                    ],
                    "unknown_codes": [],
                    "unclear_codes": [],
                    "exposure_class": "returnee",
                    "risk_level": "medium",
                    "risk_area_id": "01890a5d-ac96-774b-bcce-b302099a8501",
                    "left_risk_area_on": "2022-02-12",
                    "classified_at": "2022-02-12T09:00:00Z",
                    "awaits_decision": True,
                    "differs_from_plan": False,
                    "has_note": False,
                    "recorded_at": "2022-02-10T02:00:00Z",
                    "received_at": "2022-02-10T02:00:04Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "source": "phone",
                }
            ]
        }
    )

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，更正时放在 If-Match 中")
    household_id: UUID = Field(description="到达的户")
    grid_id: UUID = Field(description="所在网格")
    resident_id: UUID | None = Field(description="是哪位居民；null 为未核实")
    party_id: UUID | None = Field(description="同行人员共用的编号")
    name: str = Field(description="姓名")
    sex: Sex | None = Field(description="性别")
    age: int | None = Field(description="周岁")
    is_minor: bool | None = Field(description="是否未满18周岁；出生日期不详时为 null")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: MaskedDocument | None = Field(description="脱敏的证件号码")
    phone: MaskedPhone | None = Field(description="脱敏的电话")
    contact_name: str | None = Field(description="到达地联系人")
    contact_phone: MaskedPhone | None = Field(description="脱敏的联系人电话")
    status: ArrivalStatus
    expected_on: date | None = Field(description="预计到达日期")
    overdue: bool = Field(description="是否逾期未报到达：预计日期已过而未登记抵达")
    arrived_at: datetime | None = Field(description="抵达时间")
    arrival_told_at: datetime | None = Field(description="报告抵达的时间")
    verified_at: datetime | None = Field(description="核实时间")
    verified_by: UUID | None = Field(description="核实的人")
    pre_reported_in_time: bool | None = Field(description="是否按规定提前报备；无此要求时为 null")
    arrival_report_due_at: datetime | None = Field(description="抵达后最迟何时报告")
    reported_in_time: bool | None = Field(description="是否按时报告抵达；无此要求或未抵达时为 null")
    transport: Transport | None = Field(description="交通方式")
    transport_number: str | None = Field(description="车次、航班号或车牌号")
    origin_code: str | None = Field(description="从何处来，行政区划代码")
    occupations: list[str] | None = Field(description="从事的职业或人员类型；null 为不清楚")
    vaccination: VaccinationStatus | None = Field(description="疫苗接种情况；null 为不清楚")
    stays: list[StayRead] = Field(description="来前到过的地方")
    unknown_codes: list[str] = Field(
        description="来源地、旅居史中行政区划表里没有的代码，请核对是否填错：填错的地方判不出风险"
    )
    unclear_codes: list[str] = Field(
        description="填得太宽、判不准的代码：其中有等级更高的风险地区，或只填了来源地而没有填在那里"
        "的日期；请问清具体到过哪里、哪几天，更正旅居史"
    )
    exposure_class: ExposureClass
    last_exposure_on: date | None = Field(description="末次暴露日期")
    risk_level: RiskLevel = Field(description="按名单和旅居史判定的风险等级")
    risk_area_id: UUID | None = Field(description="据以判定的风险地区")
    left_risk_area_on: date | None = Field(description="在该地区的最后一日")
    classified_at: datetime = Field(description="最近一次判定的时间")
    awaits_decision: bool = Field(description="是否待村（社区）决定管理方案")
    differs_from_plan: bool = Field(description="确认方案后判定有变化，待重新核对")
    decided_at: datetime | None = Field(description="最近一次决定的时间")
    decided_by: UUID | None = Field(description="作出决定的人")
    quarantine_id: UUID | None = Field(description="确认方案后的隔离")
    departed_on: date | None = Field(description="离开日期")
    destination: str | None = Field(description="脱敏的去向或移交对象")
    ended_reason: str | None = Field(description="移交的回执，或无效的原因")
    has_note: bool = Field(description="是否有备注")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source


class ClassificationRead(Wire):
    """How an arrival was classed at one time, and why."""

    id: UUID = Field(description="编号")
    at: datetime = Field(description="判定时间")
    by: UUID | None = Field(description="引起判定的人；null 为服务按新方案自行判定")
    because: ClassifiedBecause
    risk_level: RiskLevel
    risk_area_id: UUID | None = Field(description="据以判定的风险地区")
    stay_code: str | None = Field(description="据以判定的所到之处")
    left_risk_area_on: date | None = Field(description="在该地区的最后一日")
    exposure_class: ExposureClass
    last_exposure_on: date | None = Field(description="末次暴露日期")
    explanation: str = Field(description="判定的理由")


class Companion(Wire):
    """Somebody who travels with them."""

    arrival_id: UUID = Field(description="返（来）乡登记的编号")
    name: str = Field(description="姓名")
    status: ArrivalStatus
    risk_level: RiskLevel
    quarantine_id: UUID | None = Field(description="确认方案后的隔离")


class ArrivalFile(Wire):
    """An arrival, how it was classed before, and who came along."""

    arrival: ArrivalRead
    classifications: list[ClassificationRead] = Field(description="历次判定，由新到旧")
    companions: list[Companion] = Field(description="同行人员")


class ArrivalRevealed(Wire):
    """The plain values of an arrival."""

    id: UUID = Field(description="编号")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: str | None = Field(description="证件号码")
    birth_date: date | None = Field(description="出生日期")
    phone: str | None = Field(description="电话")
    contact_phone: str | None = Field(description="联系人电话")
    destination: str | None = Field(description="去向或移交对象")
    note: str | None = Field(description="备注")


class Candidate(Wire):
    """A resident who it may be, and why."""

    resident_id: UUID = Field(description="居民")
    household_id: UUID = Field(description="登记在哪一户")
    name: str = Field(description="姓名")
    age: int | None = Field(description="周岁")
    document: MaskedDocument | None = Field(description="脱敏的证件号码")
    phone: MaskedPhone | None = Field(description="脱敏的电话")
    left_on: date | None = Field(description="登记的离开日期")
    because: list[str] = Field(description="为何认为是此人，由强到弱")


class Candidates(Wire):
    """Whom an arrival may be, the likeliest first."""

    items: list[Candidate] = Field(description="可能是哪些居民")
