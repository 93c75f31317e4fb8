"""What is told while a lead is verified: attempts, the four answers, the outcome, the review."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.arrivals.coming_schemas import Stays, StayTold
from api.foundation.field_records import FromTheField
from api.foundation.fields import (
    Day,
    DivisionCode,
    Input,
    Instant,
    LongText,
    PersonName,
    RecordId,
    ShortText,
    Wire,
)
from api.health_records.code_schemas import City
from api.health_records.models import (
    CardColour,
    CodeState,
    DiagnosticOutcome,
    VaccineTechnology,
)
from api.leads.models import LeadOutcome
from api.leads.verification_models import ContactKind, LeadTransferStatus, Question, Shown
from api.protocols.models import DiagnosticKind
from api.quarantines.schemas import QuarantineBegin

_ID = "01890a5d-ac96-774b-bcce-b302099a9201"
_HOUSEHOLD = "01890a5d-ac96-774b-bcce-b302099a8040"


class LeadAttemptRecord(FromTheField):
    """One attempt to reach the person; `recorded_at` is when it was made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": _ID, "kind": "phone", "reached": False}]}
    )

    kind: Annotated[ContactKind, Field(description="联系方式")]
    reached: Annotated[bool, Field(strict=True, description="是否联系到本人或其家人")]
    note: Annotated[LongText | None, Field(description="情况说明，加密保存")] = None


class CodeSeen(Input):
    """A health code as it was seen or told."""

    state: CodeState
    changed_at: Annotated[Instant | None, Field(description="自何时起；不填为现在")] = None


class CardSeen(Input):
    """A travel card as it was seen."""

    updated_at: Annotated[Instant, Field(description="卡上的更新时间")]
    colour: CardColour
    cities: Annotated[list[City], Field(max_length=50, description="卡上的城市")]
    window_days: Annotated[int, Field(ge=1, le=28, description="前几天的到访地")]


class TestSeen(Input):
    """A test as its report shows it."""

    __test__ = False  # no test of this service

    kind: DiagnosticKind
    outcome: DiagnosticOutcome
    sampled_at: Annotated[Instant, Field(description="采样时间")]
    reported_at: Annotated[Instant | None, Field(description="出结果的时间")] = None
    laboratory: Annotated[ShortText | None, Field(description="检测机构")] = None


class DosesSeen(Input):
    """How many doses somebody has had, and the last of them."""

    doses: Annotated[int, Field(strict=True, ge=0, le=9, description="已接种几剂；0 为未接种")]
    last_on: Annotated[Day | None, Field(description="末次接种日期")] = None
    technology: Annotated[VaccineTechnology | None, Field(description="末次疫苗的技术路线")] = None


class LeadAnswerRecord(FromTheField):
    """One of the four answers; of a person known here it also becomes a health record."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "question": "health_code",
                    "shown": "shown",
                    "health_code": {"state": "green"},
                }
            ]
        }
    )

    question: Annotated[Question, Field(description="问的是哪一项")]
    shown: Annotated[Shown, Field(description="是否出示")]
    travel_card: Annotated[CardSeen | None, Field(description="行程卡")] = None
    health_code: Annotated[CodeSeen | None, Field(description="健康码")] = None
    diagnostic_test: Annotated[TestSeen | None, Field(description="核酸检测")] = None
    vaccination: Annotated[DosesSeen | None, Field(description="疫苗接种")] = None

    @model_validator(mode="after")
    def _says_what_was_seen(self) -> "LeadAnswerRecord":
        told = {each for each in Question if getattr(self, each.value) is not None}
        seen = self.shown in (Shown.shown, Shown.told)
        if told - {self.question}:
            raise PydanticCustomError("answer", "所填内容与所问的项目不符")
        if seen is not (self.question in told):
            raise PydanticCustomError("answer", "已出示或口述的须填写内容，其他的不填")
        return self


class LeadArrival(Input):
    """That the person came here, with what the lead does not say; the rest is the lead's."""

    id: RecordId
    household_id: Annotated[RecordId, Field(description="到达的户")]
    name: Annotated[PersonName | None, Field(description="姓名；线索没有写的，按核查所知填写")] = (
        None
    )
    arrived_at: Annotated[
        Instant | None,
        Field(description="抵达时间；不填按线索所载，所载日期未到的登记为待到达"),
    ] = None
    stays: Annotated[Stays, Field(default_factory=list[StayTold])]


class LeadConclusion(Input):
    """What the verification found, and the control that follows from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "outcome": "missed_now_registered",
                    "note": "2月5日自德保县返乡，已补登记",
                    "arrival": {"id": _ID, "household_id": _HOUSEHOLD, "stays": []},
                }
            ]
        }
    )

    outcome: Annotated[LeadOutcome, Field(description="核查结论")]
    note: Annotated[LongText | None, Field(description="说明，加密保存")] = None
    arrival: Annotated[
        LeadArrival | None, Field(description="随即登记返（来）乡，事实取自线索")
    ] = None
    quarantine: Annotated[
        QuarantineBegin | None, Field(description="随即开始隔离，须有管理隔离的权限")
    ] = None


class LeadReview(Input):
    """Whether the outcome is accepted; what is sent back says why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"approved": True}]})

    approved: Annotated[bool, Field(strict=True, description="true 为通过，false 为退回重核")]
    reason: Annotated[ShortText | None, Field(description="退回的理由，勿写个人信息")] = None


class LeadFeedbackRecord(Input):
    """That what is reviewed is fed back to the issuer now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID}]})

    id: RecordId


class LeadTransferRecord(Input):
    """To which township a lead is handed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "to_code": "451026101",
                    "to_name": "德保县城关镇",
                    "reason": "本人户籍和现住地均在该镇",
                }
            ]
        }
    )

    id: RecordId
    to_code: Annotated[DivisionCode, Field(description="接收乡镇的区划代码")]
    to_name: Annotated[ShortText, Field(description="接收乡镇的名称")]
    reason: Annotated[LongText, Field(description="移交的理由")]


class LeadReceipt(Input):
    """What the other township answered."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"received": True, "receipt": "城关镇协查2022-18号"}]}
    )

    received: Annotated[bool, Field(strict=True, description="true 为接收，false 为退回")]
    receipt: Annotated[ShortText, Field(description="回执编号或退回的理由")]


class LeadAttemptRead(Wire):
    """An attempt as it is kept."""

    id: UUID
    kind: ContactKind
    reached: bool = Field(description="是否联系到")
    recorded_at: datetime = Field(description="联系时间")
    performed_by: UUID
    entered_by: UUID
    note: str | None = Field(description="情况说明")


class LeadAnswerRead(Wire):
    """An answer as it is kept."""

    id: UUID
    question: Question
    shown: Shown
    said: dict[str, Any] = Field(description="内容，各项同登记时")
    record_id: UUID | None = Field(description="由此登记的健康记录；没有则为 null")
    recorded_at: datetime = Field(description="询问时间")
    performed_by: UUID
    entered_by: UUID


class LeadTransferRead(Wire):
    """A transfer and its receipt."""

    id: UUID
    version: int
    lead_id: UUID = Field(description="线索的编号")
    to_code: str = Field(description="接收乡镇的区划代码")
    to_name: str = Field(description="接收乡镇的名称")
    reason: str = Field(description="移交的理由")
    status: LeadTransferStatus
    requested_at: datetime = Field(description="移交时间")
    requested_by: UUID = Field(description="移交的人")
    answered_at: datetime | None = Field(description="收到回执的时间")
    receipt: str | None = Field(description="回执编号或退回的理由")


class LeadVerification(Wire):
    """How a lead was verified: every attempt, every answer, every transfer, in order."""

    attempts: list[LeadAttemptRead] = Field(description="历次联系，先后排列")
    answers: list[LeadAnswerRead] = Field(description="历次答复；同一项以最后的为准")
    missing: list[Question] = Field(description="四项中尚未询问的")
    transfers: list[LeadTransferRead] = Field(description="移交")


class FeedbackOrigin(Wire):
    """Of one outcome, those who came from one place."""

    place: str = Field(description="来件所写的来处；未写的为“未注明”")
    count: int


class FeedbackRow(Wire):
    """One line of the feedback table."""

    outcome: LeadOutcome
    label: str = Field(description="结论的中文名称")
    count: int = Field(description="条数")
    origins: list[FeedbackOrigin] = Field(description="按来处分列")


class FeedbackHandedOn(Wire):
    """What was handed to one other township."""

    to_code: str = Field(description="接收乡镇的区划代码")
    to_name: str = Field(description="接收乡镇的名称")
    received: int = Field(description="对方已接收的条数")
    awaited: int = Field(description="尚无回执的条数")


class FeedbackTable(Wire):
    """What a batch came to, as its issuer is told."""

    batch_id: UUID = Field(description="批次的编号")
    issuer: str = Field(description="下发单位")
    batch_number: str = Field(description="批次号")
    received: int = Field(description="接收条数")
    answered: int = Field(description="已有结论并通过审核的条数")
    open: int = Field(description="其余条数")
    late: bool = Field(description="此刻反馈是否逾期")
    rows: list[FeedbackRow] = Field(description="各结论，条数多的在前")
    handed_on: list[FeedbackHandedOn] = Field(description="其中移交外地的，按接收乡镇")
    sent: int = Field(description="此前反馈过几次")


class LeadFeedbackRead(Wire):
    """A feedback as it was sent."""

    id: UUID
    number: int = Field(description="第几次反馈")
    at: datetime = Field(description="反馈时间")
    by: UUID = Field(description="反馈的人")
    counts: dict[LeadOutcome, int] = Field(description="截至此次，各结论的条数")
    handed_on: int = Field(description="其中已移交外地且对方已接收的条数")
    late: bool = Field(description="是否逾期")
    batch_closed: bool = Field(description="该批是否就此办结")


class LeadNumbers(Wire):
    """How many leads stand where."""

    received: int = Field(description="接收")
    unassigned: int = Field(description="待分派")
    open: int = Field(description="核查中（已分派、联系中）")
    done: int = Field(description="已有结论（含待审核、已审核、已反馈、已移交）")
    fed_back: int = Field(description="已反馈或已移交")
    late: int = Field(description="逾期")


class GridLeadNumbers(LeadNumbers):
    """The numbers of one grid with all below it."""

    grid_id: UUID
    grid_name: str


class LeadProgress(Wire):
    """How leads stand in a grid, and in each directly below it."""

    whole: LeadNumbers = Field(description="所查网格及其下级合计")
    items: list[GridLeadNumbers] = Field(description="各下级网格")
