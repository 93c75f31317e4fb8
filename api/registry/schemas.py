"""What is told of households, bonds and coverage, and what is shown: addresses masked."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.field_records import FromTheField
from api.foundation.fields import (
    Day,
    Input,
    Instant,
    LongText,
    Name,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)
from api.foundation.labels import Labelled
from api.foundation.records import Source
from api.registry.models import BondKind
from api.registry.resident_schemas import ResidentRead, ResidentRecord

MOST_RESIDENTS = 30
MOST_AT_ONCE = 500


_HOUSEHOLD: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "name": "黄秀英户",
    "address": "青竹村第二网格12号",
    "residents": [
        {
            "id": "01890a5d-ac96-774b-bcce-b302099a8058",
            "name": "黄秀英",
            "relation": "head",
        }
    ],
    "representative_id": "01890a5d-ac96-774b-bcce-b302099a8058",
}


class HouseholdRecord(FromTheField):
    """One door, with those who live behind it and, where known, the three who stand for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HOUSEHOLD]})

    grid_id: Annotated[RecordId, Field(description="所在网格")]
    name: Annotated[Name, Field(description="户名，一般为户主姓名或门牌")]
    address: Annotated[ShortText | None, Field(description="住址")] = None
    note: Annotated[LongText | None, Field(description="备注")] = None
    residents: Annotated[
        list[ResidentRecord],
        Field(max_length=MOST_RESIDENTS, description="居民", default_factory=list),
    ]
    party_member_id: Annotated[RecordId | None, Field(description="联户党员")] = None
    grid_worker_id: Annotated[RecordId | None, Field(description="网格员")] = None
    representative_id: Annotated[RecordId | None, Field(description="户代表，须是本户居民之一")] = (
        None
    )

    @property
    def people(self) -> dict[BondKind, UUID]:
        """Who is to stand for the household."""
        said = {
            BondKind.party_member: self.party_member_id,
            BondKind.grid_worker: self.grid_worker_id,
            BondKind.representative: self.representative_id,
        }
        return {kind: person for kind, person in said.items() if person is not None}


class HouseholdCorrect(Input):
    """What is to be put right; only the members that are sent are changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"address": "青竹村第二网格15号"}]})

    name: Annotated[Name, Field(description="户名", default_factory=unsaid)]
    address: Annotated[ShortText | None, Field(description="住址；null 为删除")] = None
    note: Annotated[LongText | None, Field(description="备注；null 为删除")] = None
    left_on: Annotated[
        Day | None,
        Field(description="迁出日期；null 为更正为没有迁出。登记为同日离开的居民一并更正"),
    ] = None
    destination: Annotated[ShortText | None, Field(description="去向；null 为删除")] = None
    reason: Annotated[ShortText | None, Field(description="更正的原因")] = None


class RegistryDiscard(Input):
    """Why somebody, or a household, should not have been registered."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "与第12户重复登记"}]})

    reason: Annotated[ShortText, Field(description="作废的理由，留存备查")]


class BondRead(Wire):
    """Who stands, or stood, for a household."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，修改时放在 If-Match 中")
    household_id: UUID = Field(description="所在户")
    kind: BondKind = Field(description="责任类别")
    worker_id: UUID | None = Field(description="党员或网格员")
    resident_id: UUID | None = Field(description="户代表")
    name: str = Field(description="责任人姓名，以责任开始时为准")
    began_at: Instant = Field(description="开始时间")
    ended_at: Instant | None = Field(description="结束时间；null 为现任")
    ended_reason: str | None = Field(description="结束的原因")


class BondHistory(Wire):
    """Everybody who stood for a household."""

    items: list[BondRead] = Field(description="历来的责任人，新的在前")


class HouseholdSaid(Wire):
    """What a household says of itself."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，修改时放在 If-Match 中")
    grid_id: UUID = Field(description="所在网格")
    number: int = Field(description="户编号，全乡镇唯一")
    name: str = Field(description="户名")
    address: str | None = Field(description="脱敏的住址")
    left_on: date | None = Field(description="迁出日期")


class HouseholdListed(HouseholdSaid):
    """A household in a list, with those who stand for it."""

    bonds: list[BondRead] = Field(description="现有的党员、网格员、户代表")


class HouseholdRead(HouseholdListed):
    """A household with those who live in it."""

    note: str | None = Field(description="备注")
    residents: list[ResidentRead] = Field(description="现住居民")
    recorded_at: Instant = Field(description="登记时间")
    received_at: Instant = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source = Field(description="信息来源")


class HouseholdBatch(Input):
    """Households of a list or a sheet, each kept whole or refused for itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_HOUSEHOLD]}]})

    items: Annotated[
        list[Annotated[HouseholdRecord, EACH_ALONE]],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="各户，连同居民和责任人"),
    ]


class BondAssign(Input):
    """Who is to stand for the household: a worker, or as representative a resident of it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"worker_id": "01890a5d-ac96-774b-bcce-b302099a8031"}]}
    )

    worker_id: Annotated[RecordId | None, Field(description="党员或网格员")] = None
    resident_id: Annotated[RecordId | None, Field(description="户代表，须是本户居民")] = None


class WorkerBond(Labelled):
    """The bonds that a worker holds, often for many households."""

    party_member = "party_member", "党员"
    grid_worker = "grid_worker", "网格员"


class BondBatch(Input):
    """One worker who is to stand for many households."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "grid_worker",
                    "worker_id": "01890a5d-ac96-774b-bcce-b302099a8031",
                    "household_ids": [_HOUSEHOLD["id"]],
                }
            ]
        }
    )

    kind: Annotated[WorkerBond, Field(description="责任类别")]
    worker_id: Annotated[RecordId, Field(description="党员或网格员")]
    household_ids: Annotated[
        list[RecordId], Field(min_length=1, max_length=MOST_AT_ONCE, description="各户")
    ]


class CoverageRow(Wire):
    """How far “1+1+1” is complete in a grid and all below it."""

    grid_id: UUID = Field(description="网格")
    grid_code: str = Field(description="网格编码")
    grid_name: str = Field(description="网格名称")
    level: int = Field(description="网格层级")
    households: int = Field(description="现有户数，含下级网格")
    with_party_member: int = Field(description="已有联户党员的户数")
    with_grid_worker: int = Field(description="已有网格员的户数")
    with_representative: int = Field(description="已有户代表的户数")
    complete: int = Field(description="三者齐全的户数")
    lacking: int = Field(description="缺任何一人的户数")


class Coverage(Wire):
    """Coverage grid by grid, the upper ones first."""

    grids: list[CoverageRow] = Field(description="各网格，上级在前")
