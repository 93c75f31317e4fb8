"""What is told of batches and leads as they come in."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from api.arrivals.division_schemas import PlaceCode
from api.arrivals.models import Transport
from api.foundation import clock
from api.foundation.batches import EACH_ALONE
from api.foundation.field_records import FromTheField
from api.foundation.fields import (
    Day,
    Input,
    Instant,
    LongText,
    PersonName,
    Phone,
    RecordId,
    ShortText,
    unsaid,
)
from api.leads.models import LeadSource
from api.protocols.models import ExposureClass
from api.registry.resident_schemas import Identified

MOST_AT_ONCE = 1_000

_BATCH: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a9001",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "issuer": "县疫情防控指挥部流调溯源组",
    "batch_number": "2022-02-15第3批",
    "deadline_at": "2022-02-16T18:00:00+08:00",
    "instructions": "逐人电话核实行程，查验行程卡、健康码、核酸和疫苗接种情况。",
}
_LEAD: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a9101",
    "name": "黄小妹",
    "phone": "13800005678",
    "address": "青竹村第二网格12号",
    "lead_source": "big_data",
    "origin_place": "百色市德保县",
    "claimed": "returnee",
    "claim": "2月3日至5日漫游地为德保县",
    "claimed_on": "2022-02-05",
}


_EARLIEST = date(1950, 1, 1)
"""What a list says of earlier is a year mistyped."""
_AHEAD = timedelta(days=366)


def _not_too_early(day: Day) -> Day:
    if day < _EARLIEST:
        raise ValueError("日期过早，请核对年份")
    return day


def _not_to_come(day: Day) -> Day:
    # Lists are made after the fact; a day's grace is for who types them after midnight.
    if day > clock.today() + timedelta(days=1):
        raise ValueError("日期不能晚于今天")
    return _not_too_early(day)


def _soon(day: Day) -> Day:
    # Lists of tickets tell of who is on the way.
    if day > clock.today() + _AHEAD:
        raise ValueError("日期太晚，请核对年份")
    return _not_too_early(day)


PastDay = Annotated[Day, AfterValidator(_not_to_come)]
ComingDay = Annotated[Day, AfterValidator(_soon)]
Age = Annotated[int, Field(strict=True, ge=0, le=130)]
Attempts = Annotated[
    int, Field(strict=True, ge=1, le=20, description="报“无法联系”须有几次未联系到的记录")
]
HoursApart = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=24,
        description="各次未联系到的须相隔几小时才分别计次；0 为不限",
    ),
]
VisitNeeded = Annotated[bool, Field(strict=True, description="报“无法联系”是否须上门一次")]


class LeadBatchRecord(FromTheField):
    """A batch of leads: who sent it under which number, and by when it is to be answered (M2.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BATCH]})

    grid_id: Annotated[
        RecordId | None, Field(description="接收该批的乡镇或村（社区）；不填为登录人所在网格")
    ] = None
    issuer: Annotated[ShortText, Field(description="下发单位")]
    batch_number: Annotated[ShortText, Field(description="批次号，同一下发单位不重复")]
    issued_at: Annotated[Instant | None, Field(description="下发时间；不填为登记的时间")] = None
    deadline_at: Annotated[Instant, Field(description="反馈时限，晚于下发时间")]
    instructions: Annotated[LongText | None, Field(description="核查要求，勿写个人信息")] = None
    attempts_needed: Attempts = 3
    attempts_hours_apart: HoursApart = 2
    visit_needed: VisitNeeded = True


class LeadBatchCorrect(Input):
    """What is to be put right of a batch; leads that share its deadline follow it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"deadline_at": "2022-02-17T12:00:00+08:00", "reason": "指挥部延期"}]
        }
    )

    issuer: Annotated[ShortText, Field(description="下发单位", default_factory=unsaid)]
    batch_number: Annotated[
        ShortText, Field(description="批次号，同一下发单位不重复", default_factory=unsaid)
    ]
    deadline_at: Annotated[Instant, Field(description="反馈时限", default_factory=unsaid)]
    instructions: Annotated[LongText | None, Field(description="核查要求；null 为删除")] = None
    attempts_needed: Annotated[Attempts, Field(default_factory=unsaid)]
    attempts_hours_apart: Annotated[HoursApart, Field(default_factory=unsaid)]
    visit_needed: Annotated[VisitNeeded, Field(default_factory=unsaid)]
    reason: Annotated[ShortText | None, Field(description="更正的原因")] = None


class LeadRecord(Identified, FromTheField):
    """A person as the issuer tells of them: a name, a phone or a document at the least (M2.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LEAD]})

    row_number: Annotated[
        int | None, Field(strict=True, ge=1, le=1_000_000, description="在来件中的行号")
    ] = None
    name: Annotated[PersonName | None, Field(description="姓名")] = None
    age: Annotated[Age | None, Field(description="年龄，按来件所写")] = None
    phone: Annotated[Phone | None, Field(description="电话")] = None
    address: Annotated[ShortText | None, Field(description="住址或落脚点，按来件所写")] = None
    lead_source: Annotated[LeadSource, Field(description="线索来源")] = LeadSource.other
    origin_place: Annotated[ShortText | None, Field(description="从何处来，按来件所写")] = None
    origin_code: Annotated[PlaceCode | None, Field(description="从何处来，行政区划代码")] = None
    claimed: Annotated[ExposureClass, Field(description="涉疫情形")] = ExposureClass.other
    claim: Annotated[LongText | None, Field(description="涉疫情形的说明，加密保存")] = None
    claimed_on: Annotated[PastDay | None, Field(description="涉疫情形的最后日期")] = None
    arrived_on: Annotated[
        ComingDay | None, Field(description="到达本地日期；尚未到达的为预计日期")
    ] = None
    transport: Annotated[Transport | None, Field(description="交通方式")] = None
    transport_number: Annotated[ShortText | None, Field(description="车次、航班号或车牌号")] = None
    deadline_at: Annotated[Instant | None, Field(description="本条的反馈时限；不填同该批")] = None
    grid_id: Annotated[
        RecordId | None, Field(description="来件已指定的网格；不填则按户、电话、住址分派")
    ] = None


class LeadItems(Input):
    """Leads of one batch, each kept or refused for itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_LEAD]}]})

    items: Annotated[
        list[Annotated[LeadRecord, EACH_ALONE]],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="逐条接收，互不影响"),
    ]


class LeadDelivery(Input):
    """A batch as another system sends it, with its leads; sent again, or in parts, it is one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"batch": _BATCH, "items": [_LEAD]}]})

    batch: Annotated[LeadBatchRecord, Field(description="该批；分次报送时每次相同")]
    items: Annotated[
        list[Annotated[LeadRecord, EACH_ALONE]],
        Field(max_length=MOST_AT_ONCE, description="线索，逐条接收，互不影响"),
    ]


class LeadAssign(Input):
    """To which grid a lead is given."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"grid_id": "01890a5d-ac96-774b-bcce-b302099a8001"}]}
    )

    grid_id: Annotated[RecordId, Field(description="分派到的网格")]
    reason: Annotated[ShortText | None, Field(description="原因，勿写个人信息")] = None


class LeadGiven(Input):
    """One lead and the grid it is given to."""

    lead_id: Annotated[RecordId, Field(description="线索")]
    grid_id: Annotated[RecordId, Field(description="分派到的网格")]


class LeadsAssign(Input):
    """Many leads of a batch, each with the grid it is given to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "lead_id": "01890a5d-ac96-774b-bcce-b302099a9101",
                            "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                        }
                    ]
                }
            ]
        }
    )

    items: Annotated[
        list[LeadGiven], Field(min_length=1, max_length=MOST_AT_ONCE, description="逐条分派")
    ]
    reason: Annotated[ShortText | None, Field(description="原因，勿写个人信息")] = None


class LeadMatch(Input):
    """Which resident a lead tells of, or does not."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resident_id": "01890a5d-ac96-774b-bcce-b302099a8058"}]}
    )

    resident_id: Annotated[RecordId, Field(description="居民")]


class LeadDuplicate(Input):
    """Whether a lead tells of the same person as an earlier one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_duplicate": True}]})

    is_duplicate: Annotated[bool, Field(strict=True, description="是否与此前的线索重复")]
    duplicate_of_id: Annotated[
        RecordId | None, Field(description="此前的线索；不填为系统提示的那一条")
    ] = None
