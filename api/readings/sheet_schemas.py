"""A person's temperature sheet on the wire: the field's paper form, days by windows."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from api.foundation.fields import Wire
from api.foundation.identity import Sex
from api.foundation.labels import Labelled
from api.protocols.models import Timing
from api.protocols.symptoms import Symptom
from api.quarantines.schemas import QuarantineRead
from api.readings.models import NotTakenReason


class CellState(Labelled):
    """How one cell of the sheet stands."""

    measured = "measured", "已测"
    not_yet = "not_yet", "未到时间"
    due = "due", "待测"
    late = "late", "未测"
    exempt = "exempt", "免测"


class SheetReading(Wire):
    """What was measured."""

    id: UUID
    value_c: float = Field(description="体温，摄氏度")
    symptoms: list[Symptom]
    measured_at: datetime
    performed_by: UUID
    performed_by_name: str | None = Field(description="测量人；不在您的范围内时为 null")
    timing: Timing
    abnormal: bool
    low: bool


class SheetCell(Wire):
    """One window of one day."""

    window: str
    state: CellState
    reading: SheetReading | None
    not_taken: NotTakenReason | None = Field(description="已上门而没有测成的原因")


class SheetDay(Wire):
    """One row of the sheet."""

    day: date
    day_number: int = Field(description="隔离第几天，开始当日为 1")
    cells: list[SheetCell]


class SheetWindow(Wire):
    """One column of the sheet."""

    window: str
    label: str


class TemperatureSheet(Wire):
    """A person's sheet, from the first day to the last or to today."""

    quarantine: QuarantineRead
    household_name: str
    address: str | None = Field(description="脱敏的家庭住址")
    sex: Sex
    age: int | None = Field(description="周岁")
    windows: list[SheetWindow]
    days: list[SheetDay]
