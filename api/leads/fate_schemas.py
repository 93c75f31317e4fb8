"""What a system that delivered leads is told of them: where each stands, and nothing of anybody."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.foundation.fields import Wire
from api.foundation.labels import Labelled
from api.leads.models import LeadOutcome


class LeadFate(Labelled):
    """What became of a lead, as far as its issuer is concerned."""

    received = "received", "已接收，待分派"
    verifying = "verifying", "核查、审核中"
    fed_back = "fed_back", "已反馈"
    handed_on = "handed_on", "已移交外地"
    discarded = "discarded", "已作废"


class LeadFates(Wire):
    """How many leads came to what."""

    received: int = Field(description="已接收，待分派")
    verifying: int = Field(description="核查、审核中")
    fed_back: int = Field(description="已反馈")
    handed_on: int = Field(description="已移交外地")
    discarded: int = Field(description="已作废")


class DeliveredBatch(Wire):
    """A batch as its sender is told of it."""

    id: UUID
    issuer: str = Field(description="下发单位")
    batch_number: str = Field(description="批次号")
    deadline_at: datetime = Field(description="反馈时限")
    received_at: datetime = Field(description="服务收到的时间")
    closed_at: datetime | None = Field(description="全部反馈的时间；null 为未结")
    discarded_at: datetime | None = Field(description="作废时间；有效的为 null")
    discard_reason: str | None = Field(description="作废的原因")
    fates: LeadFates = Field(description="本系统报送的各条线索的去向")


class HandedOn(Wire):
    """To whom a lead was handed, and the receipt."""

    to_code: str = Field(description="接收乡镇的区划代码")
    to_name: str = Field(description="接收乡镇的名称")
    requested_at: datetime = Field(description="移交时间")
    received_at: datetime | None = Field(description="对方接收的时间；尚无回执的为 null")
    receipt: str | None = Field(description="回执编号")


class DeliveredLead(Wire):
    """A lead as its sender is told of it."""

    id: UUID
    row_number: int | None = Field(description="在来件中的行号")
    fate: LeadFate = Field(description="去向")
    outcome: LeadOutcome | None = Field(description="核查结论；反馈之前为 null")
    fed_back_at: datetime | None = Field(description="反馈时间")
    handed_on: HandedOn | None = Field(description="移交及回执；没有移交的为 null")
    discarded_at: datetime | None = Field(description="作废时间；有效的为 null")
    discard_reason: str | None = Field(description="作废的原因")
