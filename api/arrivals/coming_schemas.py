"""What is told of arrivals, step by step."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer
from pydantic.config import JsonDict

from api.arrivals.division_schemas import PlaceCode
from api.arrivals.models import Transport
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
from api.health_records.validity import VaccinationStatus
from api.protocols.conditions import Token
from api.protocols.models import ExposureClass
from api.protocols.what_if_schemas import PlanningDay
from api.registry.models import Registration, Relation
from api.registry.resident_schemas import Identified

LARGEST_BATCH = 500

_ARRIVAL: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8601",
    "household_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "name": "黄小妹",
    "phone": "13800005678",
    "contact_name": "黄秀英",
    "contact_phone": "13800008765",
    "expected_on": "2022-02-12",
    "transport": "coach",
    "origin_code": "451026",
    "occupations": ["migrant_worker"],
    "vaccination": "booster",
    "stays": [{"code": "451026101", "from_on": "2021-12-20", "to_on": "2022-02-12"}],
}


class StayTold(Input):
    """A place where somebody was before they came, both days included."""

    code: Annotated[PlaceCode, Field(description="所到之处的行政区划代码，越细越好")]
    from_on: Annotated[PlanningDay, PlainSerializer(date.isoformat), Field(description="自哪天")]
    to_on: Annotated[PlanningDay, PlainSerializer(date.isoformat), Field(description="至哪天")]


def _in_order(stays: list[StayTold]) -> list[StayTold]:
    for stay in stays:
        if stay.to_on < stay.from_on:
            raise ValueError("旅居史中有离开早于到达的，请核对")
    return sorted(stays, key=lambda stay: (stay.from_on, stay.to_on, stay.code))


Stays = Annotated[
    list[StayTold],
    Field(max_length=60, description="来前到过的地方，次序不限"),
    AfterValidator(_in_order),
]
Occupations = Annotated[
    list[Annotated[Token, Field(examples=["migrant_worker"])]],
    Field(max_length=20),
    AfterValidator(lambda told: list(dict.fromkeys(told))),
]
ComesOn = Annotated[PlanningDay | None, Field(description="预计到达日期")]
CameAt = Annotated[
    Instant,
    Field(description="抵达时间", ge=datetime.fromisoformat("1900-01-02T00:00:00Z")),
]


class Coming(Identified):
    """What is told of somebody who comes: who, whence, how, and where they were before."""

    phone: Annotated[Phone | None, Field(description="本人电话")] = None
    contact_name: Annotated[PersonName | None, Field(description="到达地联系人")] = None
    contact_phone: Annotated[Phone | None, Field(description="到达地联系人的电话")] = None
    transport: Annotated[Transport | None, Field(description="交通方式")] = None
    transport_number: Annotated[ShortText | None, Field(description="车次、航班号或车牌号")] = None
    origin_code: Annotated[PlaceCode | None, Field(description="从何处来，行政区划代码")] = None
    last_exposure_on: Annotated[
        PlanningDay | None, Field(description="末次暴露日期，不晚于今天")
    ] = None
    occupations: Annotated[
        Occupations | None, Field(description="从事的职业或人员类型，代码同方案所用；不清楚的不填")
    ] = None
    vaccination: Annotated[
        VaccinationStatus | None, Field(description="疫苗接种情况；不清楚的不填")
    ] = None
    party_id: Annotated[RecordId | None, Field(description="同行人员共用的编号")] = None


class ArrivalRecord(Coming, FromTheField):
    """Somebody is expected, or has come: a resident, or whoever is known by what they told."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ARRIVAL]})

    household_id: Annotated[RecordId, Field(description="到达的户")]
    resident_id: Annotated[RecordId | None, Field(description="如是已登记的居民，其编号")] = None
    name: Annotated[PersonName | None, Field(description="姓名；已登记的居民可不填")] = None
    expected_on: ComesOn = None
    arrived_at: Annotated[CameAt | None, Field(description="已抵达的，抵达时间")] = None
    exposure_class: Annotated[ExposureClass, Field(description="接触类别")] = ExposureClass.returnee
    stays: Stays = Field(default_factory=list[StayTold])
    note: Annotated[LongText | None, Field(description="备注，加密保存")] = None


class ArrivalBatch(Input):
    """A busload: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ARRIVAL]}]})

    items: Annotated[
        list[Annotated[ArrivalRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


class ArrivalCorrect(Coming):
    """What is to be put right; only the members that are sent are changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stays": [
                        {"code": "441900003", "from_on": "2021-12-20", "to_on": "2022-02-11"}
                    ],
                    "reason": "本人电话更正，途中没有停留",
                }
            ]
        }
    )

    household_id: Annotated[
        RecordId, Field(description="到达的户；核实前可以更正", default_factory=unsaid)
    ]
    name: Annotated[PersonName, Field(description="姓名", default_factory=unsaid)]
    expected_on: ComesOn = None
    arrived_at: Annotated[CameAt, Field(description="抵达时间", default_factory=unsaid)]
    exposure_class: Annotated[ExposureClass, Field(description="接触类别", default_factory=unsaid)]
    stays: Annotated[Stays, Field(description="来前到过的全部地方", default_factory=unsaid)]
    note: Annotated[LongText | None, Field(description="备注；null 为删除")] = None
    reason: Annotated[ShortText, Field(description="更正的原因，将被记录")]


class ArrivalCame(Input):
    """Somebody who was expected has come; stays that became known meanwhile may be told anew."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"arrived_at": "2022-02-12T17:40:00+08:00"}]}
    )

    arrived_at: CameAt
    told_at: Annotated[
        Instant | None, Field(description="向村（社区）报告的时间；不填为服务收到的时间")
    ] = None
    stays: Annotated[Stays | None, Field(description="来前到过的全部地方；不填为不变")] = None


class NewResident(Input):
    """How somebody who is not in the register yet is entered there; the rest they have told."""

    id: Annotated[RecordId, Field(description="新居民的编号，由设备生成")]
    relation: Annotated[Relation, Field(description="与户主的关系")] = Relation.other
    registration: Annotated[Registration, Field(description="人口类别")] = Registration.migrant


class ArrivalVerification(Input):
    """Who it is: a resident of the household, or somebody to be registered there."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resident_id": "01890a5d-ac96-774b-bcce-b302099a8058"}]}
    )

    resident_id: Annotated[RecordId | None, Field(description="该户已登记的居民")] = None
    register_as: Annotated[
        NewResident | None, Field(description="尚未登记的，按其填报的内容登记为该户居民")
    ] = None


class ArrivalDeparture(Input):
    """Somebody who had come is gone again (离乡)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"departed_on": "2022-02-20", "destination": "鹏湾市湾南区"}]
        }
    )

    departed_on: Annotated[Day, Field(description="离开日期，不晚于今天")]
    destination: Annotated[ShortText | None, Field(description="去向，加密保存")] = None


class ArrivalTransfer(Input):
    """Somebody is not ours: handed over to where they are, with the receipt of that place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"to": "雾桥县雾桥镇防控办", "receipt": "已接收，回执〔2022〕18号"}]
        }
    )

    to: Annotated[ShortText, Field(description="移交给谁")]
    receipt: Annotated[LongText, Field(description="接收方的回执")]


class ArrivalInvalidation(Input):
    """What was told is not true, or somebody does not come after all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "号码已停用，查无此人"}]})

    reason: Annotated[ShortText, Field(description="无效的原因，将被记录")]


class ArrivalReveal(Input):
    """Why the plain values are needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "电话核实返乡行程"}]})

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]
