"""What is told to put leads right, or to take them back."""

from typing import Annotated

from pydantic import ConfigDict, Field

from api.arrivals.division_schemas import PlaceCode
from api.arrivals.models import Transport
from api.foundation.corrections import Replaced
from api.foundation.fields import (
    Input,
    Instant,
    LongText,
    PersonName,
    Phone,
    ShortText,
    Wire,
    unsaid,
)
from api.leads.models import LeadSource
from api.leads.schemas import Age, ComingDay, PastDay
from api.leads.shown import LeadBatchRead, LeadRead
from api.protocols.models import ExposureClass
from api.registry.resident_schemas import Identified


class LeadCorrect(Identified):
    """What was wrong in a lead as it came; only the members that are sent are changed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "13800005679", "reason": "录入时电话错了一位"}]}
    )

    name: Annotated[PersonName | None, Field(description="姓名；null 为删除")] = None
    age: Annotated[Age | None, Field(description="年龄，按来件所写；null 为删除")] = None
    phone: Annotated[Phone | None, Field(description="电话；null 为删除")] = None
    address: Annotated[
        ShortText | None, Field(description="住址或落脚点，按来件所写；null 为删除")
    ] = None
    lead_source: Annotated[LeadSource, Field(description="线索来源", default_factory=unsaid)]
    origin_place: Annotated[ShortText | None, Field(description="从何处来；null 为删除")] = None
    origin_code: Annotated[
        PlaceCode | None, Field(description="从何处来，行政区划代码；null 为删除")
    ] = None
    claimed: Annotated[ExposureClass, Field(description="涉疫情形", default_factory=unsaid)]
    claim: Annotated[
        LongText | None, Field(description="涉疫情形的说明，加密保存；null 为删除")
    ] = None
    claimed_on: Annotated[PastDay | None, Field(description="涉疫情形的最后日期；null 为删除")] = (
        None
    )
    arrived_on: Annotated[
        ComingDay | None,
        Field(description="到达本地日期，尚未到达的为预计日期；null 为删除"),
    ] = None
    transport: Annotated[Transport | None, Field(description="交通方式；null 为删除")] = None
    transport_number: Annotated[
        ShortText | None, Field(description="车次、航班号或车牌号；null 为删除")
    ] = None
    deadline_at: Annotated[Instant, Field(description="本条的反馈时限", default_factory=unsaid)]
    reason: Annotated[ShortText, Field(description="更正的原因，将被记录，勿写个人信息")]


class LeadDiscard(Input):
    """Why a lead is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "录入时多录了一行"}]})

    reason: Annotated[ShortText, Field(description="作废的原因，将被记录，勿写个人信息")]


class LeadBatchDiscard(Input):
    """Why a batch is taken back."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "误将邻乡的名单登记到本乡"}]}
    )

    reason: Annotated[ShortText, Field(description="作废的原因，将被记录，勿写个人信息")]


class LeadRevision(Replaced, Wire):
    """What a lead said before it was changed."""

    lead: LeadRead = Field(description="改前的内容，已脱敏")


class LeadHistory(Wire):
    """Every former version of a lead, oldest first."""

    items: list[LeadRevision] = Field(description="历次改前的内容，早的在前")


class LeadBatchRevision(Replaced, Wire):
    """What a batch said before it was changed."""

    batch: LeadBatchRead = Field(description="改前的内容")


class LeadBatchHistory(Wire):
    """Every former version of a batch, oldest first."""

    items: list[LeadBatchRevision] = Field(description="历次改前的内容，早的在前")
