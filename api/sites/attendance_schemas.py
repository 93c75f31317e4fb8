"""Whoever comes to a session, on the wire: looked up, sampled or vaccinated by whoever is there."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.checkpoints.look_up_schemas import LookedUp
from api.foundation.fields import Input, RecordId, Wire
from api.foundation.records import Source
from api.health_records.models import SwabType, VaccinationOutcome, VaccineTechnology
from api.health_records.tube_schemas import MOST_MEMBERS, TubeCode, TubeTold
from api.health_records.vaccination_schemas import DoseTold
from api.protocols.models import DiagnosticKind

_ASK: dict[str, Any] = {
    "site_session_id": "01890a5d-ac96-774b-bcce-b302099a8071",
    "document_kind": "resident_identity",
    "document": "451422199001010012",
    "phone": None,
    "name": None,
}
_ASKED: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8074",
    "known": True,
    "name": "黄*",
    "doses": None,
    "contraindicated": None,
    "at": "2022-02-15T00:10:00Z",
    "keep_until": "2022-02-15T15:00:00Z",
}
_TUBE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8075",
    "code": "QZ0215-0031",
    "pool_size": 10,
    "sampled_at": "2022-02-15T08:30:00+08:00",
    "members": [
        {
            "id": "01890a5d-ac96-774b-bcce-b302099a8076",
            "look_up_id": "01890a5d-ac96-774b-bcce-b302099a8074",
        }
    ],
}
_DOSE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8077",
    "look_up_id": "01890a5d-ac96-774b-bcce-b302099a8074",
    "given_on": "2022-02-15",
    "dose_number": 3,
    "technology": "inactivated",
}

LookUp = Annotated[RecordId, Field(description="查询本人时回答的编号")]


class SiteLookUpAsk(LookedUp):
    """Who stands at a site, by a document or a phone."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASK]})

    site_session_id: Annotated[RecordId, Field(description="在哪一场查询")]


class SiteLookUpRead(Wire):
    """Whether the township knows them, and what is needed to sample or vaccinate them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASKED]})

    id: UUID = Field(description="登记采样、接种时填入 look_up_id")
    known: bool = Field(description="是否本乡镇已登记的居民；不是的先由网格登记")
    name: str | None = Field(description="姓名，已脱敏；没有登记的为 null")
    doses: int | None = Field(description="已接种几剂；采样点查询的为 null")
    contraindicated: bool | None = Field(description="是否有接种禁忌；采样点查询的为 null")
    at: datetime
    keep_until: datetime = Field(description="可凭此登记到何时，逾时须重新查询")


class SiteTubeMember(Input):
    """Somebody whose sample goes into a tube; the id is that of their test."""

    id: Annotated[RecordId, Field(description="这条检测的编号，由手机生成")]
    look_up_id: LookUp


class SiteTubeRecord(TubeTold):
    """A tube as it is closed at a session, with everybody who was looked up for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TUBE]})

    members: Annotated[
        list[SiteTubeMember],
        Field(min_length=1, max_length=MOST_MEMBERS, description="管内各人，不多于几人一管"),
    ]


class SiteDoseRecord(DoseTold):
    """A dose given at a session, or that somebody must not have any."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DOSE]})

    look_up_id: LookUp


class ToldAtSite(Wire):
    """What every record of a session shows to whoever made it: nothing of where anybody lives."""

    id: UUID
    version: int
    site_session_id: UUID
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
    source: Source
    discarded_at: datetime | None


class SiteTubeMemberRead(Wire):
    """Somebody whose sample is in a tube; what comes of it is not told here."""

    test_id: UUID
    name: str = Field(description="姓名，已脱敏")


class SiteTubeRead(ToldAtSite):
    """A tube as its recorder told it."""

    code: TubeCode
    pool_size: int = Field(description="几人一管")
    swab_type: SwabType
    kind: DiagnosticKind
    laboratory: str | None = Field(description="检测机构")
    sampled_at: datetime = Field(description="采样时间")
    members: list[SiteTubeMemberRead] = Field(description="管内各人")


class SiteDoseRead(ToldAtSite):
    """A dose as its recorder told it."""

    name: str = Field(description="姓名，已脱敏")
    outcome: VaccinationOutcome
    given_on: date = Field(description="接种日期；有禁忌的，为判定日期")
    dose_number: int | None = Field(description="第几剂；有禁忌的为 null")
    technology: VaccineTechnology | None = Field(description="疫苗的种类；有禁忌的为 null")
    product: str | None = Field(description="疫苗名称")
    manufacturer: str | None = Field(description="生产企业")
    batch_number: str | None = Field(description="疫苗批号")
    unit: str | None = Field(description="接种单位")
    body_site: str | None = Field(description="接种部位")
