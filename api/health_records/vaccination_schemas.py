"""Doses of vaccine on the wire."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.corrections import Replaced
from api.foundation.field_records import FromTheField
from api.foundation.fields import Day, Input, RecordId, ShortText, Wire, unsaid
from api.health_records.code_schemas import LARGEST_BATCH, HealthRecordRead
from api.health_records.models import VaccinationOutcome, VaccineTechnology
from api.health_records.people import AboutAResident
from api.health_records.schemas import Why

GivenOn = Annotated[Day, Field(description="接种日期；有禁忌的，为判定日期")]
DoseNumber = Annotated[int, Field(ge=1, le=9, description="第几剂", examples=[2])]
Product = Annotated[
    ShortText, Field(description="疫苗名称", examples=["新型冠状病毒灭活疫苗（Vero细胞）"])
]
Manufacturer = Annotated[ShortText, Field(description="生产企业", examples=["北京生物"])]
BatchNumber = Annotated[ShortText, Field(description="疫苗批号", examples=["202107B1723"])]
Unit = Annotated[ShortText, Field(description="接种单位", examples=["青竹乡卫生院"])]
BodySite = Annotated[ShortText, Field(description="接种部位", examples=["左上臂三角肌"])]

_DOSE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8080",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
    "outcome": "given",
    "given_on": "2021-09-01",
    "dose_number": 2,
    "technology": "inactivated",
    "product": "新型冠状病毒灭活疫苗（Vero细胞）",
    "manufacturer": "北京生物",
    "batch_number": "202107B1723",
    "unit": "青竹乡卫生院",
    "body_site": "左上臂三角肌",
}


class DoseTold(FromTheField):
    """What is told of a dose, or of why somebody must not have any, wherever it is told."""

    outcome: Annotated[VaccinationOutcome, Field(description="接种了，或者有禁忌不宜接种")] = (
        VaccinationOutcome.given
    )
    given_on: GivenOn
    dose_number: Annotated[DoseNumber | None, Field(description="第几剂；有禁忌的不填")] = None
    technology: Annotated[
        VaccineTechnology | None, Field(description="疫苗的种类；有禁忌的不填")
    ] = None
    product: Product | None = None
    manufacturer: Manufacturer | None = None
    batch_number: BatchNumber | None = None
    unit: Unit | None = None
    body_site: BodySite | None = None


class VaccinationRecord(DoseTold, AboutAResident):
    """A dose that was given, or that a person must not have any."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DOSE]})

    site_session_id: Annotated[
        RecordId | None, Field(description="在接种点接种的，该场次的编号")
    ] = None


class VaccinationBatch(Input):
    """The doses of a morning at the site: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_DOSE]}]})

    items: Annotated[
        list[Annotated[VaccinationRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


class VaccinationCorrect(Input):
    """What was wrong of a dose: only the members that change, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"given_on": "2021-09-02", "reason": "录入时看错一行"}]}
    )

    given_on: Annotated[GivenOn, Field(default_factory=unsaid)]
    dose_number: Annotated[DoseNumber, Field(default_factory=unsaid)]
    technology: Annotated[
        VaccineTechnology, Field(description="疫苗的种类", default_factory=unsaid)
    ]
    product: Product | None = None
    manufacturer: Manufacturer | None = None
    batch_number: BatchNumber | None = None
    unit: Unit | None = None
    body_site: BodySite | None = None
    reason: Why


class VaccinationRead(HealthRecordRead):
    """A dose as it is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_DOSE,
                    "version": 1,
                    "site_session_id": None,
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "recorded_at": "2021-09-01T02:31:00Z",
                    "received_at": "2021-09-01T02:31:05Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "source": "visit",
                    "discarded_at": None,
                }
            ]
        }
    )

    outcome: VaccinationOutcome
    given_on: date = Field(description="接种日期；有禁忌的，为判定日期")
    dose_number: int | None = Field(description="第几剂；有禁忌的为 null")
    technology: VaccineTechnology | None = Field(description="疫苗的种类；有禁忌的为 null")
    product: str | None = Field(description="疫苗名称")
    manufacturer: str | None = Field(description="生产企业")
    batch_number: str | None = Field(description="疫苗批号")
    unit: str | None = Field(description="接种单位")
    body_site: str | None = Field(description="接种部位")
    site_session_id: UUID | None = Field(description="接种场次；没有的为 null")


class VaccinationRevision(Replaced, Wire):
    """What was said of a dose before a correction."""

    vaccination: VaccinationRead = Field(description="更正前的内容")


class VaccinationHistory(Wire):
    """Every former version, oldest first."""

    items: list[VaccinationRevision]
