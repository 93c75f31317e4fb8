"""Batches and leads as the wire shows them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.arrivals.models import Transport
from api.foundation.fields import Input, Instant, LongText, MaskedDocument, MaskedPhone, Wire
from api.foundation.identity import DocumentKind, Sex
from api.foundation.labels import Labelled
from api.foundation.records import BatchOutcome, Source
from api.leads.models import (
    AssignedBy,
    Doubled,
    LeadOutcome,
    LeadSource,
    LeadStatus,
    MatchedBy,
)
from api.protocols.models import ExposureClass


class LeadBatchRead(Wire):
    """A batch of leads."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，修改时放在 If-Match 中")
    grid_id: UUID = Field(description="接收该批的网格")
    issuer: str = Field(description="下发单位")
    batch_number: str = Field(description="批次号")
    issued_at: Instant = Field(description="下发时间")
    deadline_at: Instant = Field(description="反馈时限")
    instructions: str | None = Field(description="核查要求")
    from_cell: str | None = Field(description="由其他乡镇移交的，该乡镇的代码")
    attempts_needed: int = Field(description="报“无法联系”须有几次未联系到的记录")
    attempts_hours_apart: int = Field(description="各次未联系到的须相隔几小时才分别计次；0 为不限")
    visit_needed: bool = Field(description="报“无法联系”是否须上门一次")
    closed_at: Instant | None = Field(description="全部反馈的时间；null 为未结")
    discarded_at: Instant | None = Field(description="作废时间；有效的为 null")
    discarded_by: UUID | None = Field(description="作废的人")
    discard_reason: str | None = Field(description="作废的原因")
    recorded_at: Instant = Field(description="登记时间")
    received_at: Instant = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人或系统")
    entered_by: UUID = Field(description="录入的人或系统")
    source: Source = Field(description="信息来源")


class LeadsReceived(Wire):
    """What became of a batch and its leads."""

    batch: LeadBatchRead = Field(description="该批")
    leads: BatchOutcome = Field(description="各条的结果，次序同来件")


class LeadRead(Wire):
    """A lead as shown by default: what identifies the person is masked."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号")
    batch_id: UUID = Field(description="所属批次")
    row_number: int | None = Field(description="在来件中的行号")
    grid_id: UUID = Field(description="现由哪个网格核查；未分派的为接收该批的网格")
    household_id: UUID | None = Field(description="涉及的户")
    resident_id: UUID | None = Field(description="对应的居民；未确认的为 null")
    matched_how: MatchedBy | None = Field(description="如何对应到居民")
    assigned_how: AssignedBy | None = Field(description="如何分派；null 为待分派")
    assigned_at: Instant | None = Field(description="分派时间")
    duplicate_of_id: UUID | None = Field(description="与哪一条此前的线索疑似或确为重复")
    duplicate: Doubled | None = Field(description="是否重复")
    name: str | None = Field(description="姓名")
    sex: Sex | None = Field(description="性别")
    age: int | None = Field(description="年龄")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: MaskedDocument | None = Field(description="脱敏的证件号码")
    phone: MaskedPhone | None = Field(description="脱敏的电话")
    address: str | None = Field(description="脱敏的住址")
    lead_source: LeadSource = Field(description="线索来源")
    origin_place: str | None = Field(description="从何处来")
    origin_code: str | None = Field(description="从何处来，行政区划代码")
    claimed: ExposureClass = Field(description="涉疫情形")
    has_claim: bool = Field(description="另有说明，可用 reveal 查看")
    claimed_on: date | None = Field(description="涉疫情形的最后日期")
    arrived_on: date | None = Field(description="到达本地日期；尚未到达的为预计日期")
    transport: Transport | None = Field(description="交通方式")
    transport_number: str | None = Field(description="车次、航班号或车牌号")
    deadline_at: Instant = Field(description="反馈时限")
    late: bool = Field(description="已过时限仍未反馈，或反馈时已过时限")
    status: LeadStatus = Field(description="办理状态")
    outcome: LeadOutcome | None = Field(description="核查结论")
    outcome_at: Instant | None = Field(description="作出结论的时间")
    outcome_by: UUID | None = Field(description="作出结论的人")
    reviewed_at: Instant | None = Field(description="审核时间")
    reviewed_by: UUID | None = Field(description="审核的人")
    sent_back_at: Instant | None = Field(description="退回重查的时间")
    sent_back_reason: str | None = Field(description="退回重查的原因")
    fed_back_at: Instant | None = Field(description="反馈时间")
    handed_on_at: Instant | None = Field(description="移交外地的时间")
    arrival_id: UUID | None = Field(description="据此登记的返（来）乡")
    quarantine_id: UUID | None = Field(description="据此开始的隔离")
    discarded_at: Instant | None = Field(description="作废时间；有效的为 null")
    discarded_by: UUID | None = Field(description="作废的人")
    discard_reason: str | None = Field(description="作废的原因")
    recorded_at: Instant = Field(description="登记时间")
    received_at: Instant = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人或系统")
    entered_by: UUID = Field(description="录入的人或系统")
    source: Source = Field(description="如何录入")


class LeadCandidateRead(Wire):
    """A resident whom a lead may mean."""

    resident_id: UUID = Field(description="居民")
    household_id: UUID | None = Field(description="所在户；不在您的网格范围内的为 null")
    grid_id: UUID | None = Field(description="所在网格")
    name: str | None = Field(description="姓名")
    sex: Sex | None = Field(description="性别")
    age: int | None = Field(description="周岁")
    phone: MaskedPhone | None = Field(description="脱敏的电话")
    score: int = Field(description="相符程度，0至100")
    why: str = Field(description="何处相符或不符")
    confirmed: bool | None = Field(description="true 为确认，false 为排除，null 为待确认")
    decided_at: Instant | None = Field(description="确认或排除的时间")
    decided_by: UUID | None = Field(description="确认或排除的人")


class LeadAssignmentRead(Wire):
    """One time that a lead was given to a grid."""

    from_grid_id: UUID = Field(description="原网格")
    to_grid_id: UUID = Field(description="分派到的网格")
    how: AssignedBy = Field(description="如何分派")
    at: Instant = Field(description="分派时间")
    by: UUID | None = Field(description="分派的人；系统自动分派的为 null")
    reason: str | None = Field(description="原因")


class LeadRevealField(Labelled):
    """What of a lead may be shown in plain."""

    document = "document", "证件号码"
    birth_date = "birth_date", "出生日期"
    phone = "phone", "电话"
    address = "address", "住址"
    claim = "claim", "涉疫情形的说明"


class LeadReveal(Input):
    """Why the plain values are needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "电话核查线索", "fields": ["phone"]}]}
    )

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]
    fields: Annotated[
        list[LeadRevealField],
        Field(
            min_length=1,
            max_length=5,
            description="查看哪几项；不填为全部",
            default_factory=lambda: list(LeadRevealField),
        ),
    ]


class LeadRevealed(Wire):
    """The plain values that were asked for; what was not asked for, or is not known, is null."""

    id: UUID = Field(description="编号")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: str | None = Field(description="证件号码")
    birth_date: date | None = Field(description="出生日期")
    phone: str | None = Field(description="电话")
    address: str | None = Field(description="住址")
    claim: str | None = Field(description="涉疫情形的说明")


class LeadFile(Wire):
    """A lead with its batch, whom it may mean, and where it was given."""

    lead: LeadRead = Field(description="该线索")
    batch: LeadBatchRead = Field(description="所属批次")
    candidates: list[LeadCandidateRead] = Field(description="可能是哪位居民，最相符的在前")
    assignments: list[LeadAssignmentRead] = Field(description="历次分派，新的在前")
