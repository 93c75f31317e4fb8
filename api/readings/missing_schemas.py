"""What is missing, on the wire."""

from datetime import date, datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Wire
from api.foundation.labels import Labelled
from api.readings.models import NotTakenReason


class MissingState(Labelled):
    """Whether a missing temperature is due now or late already; both can still be taken."""

    due = "due", "待测"
    late = "late", "超时未测"


class MissingRead(Wire):
    """One person who lacks one temperature."""

    quarantine_id: UUID
    resident_id: UUID
    resident_name: str
    household_id: UUID
    household_name: str
    household_number: int
    grid_id: UUID
    day: date
    window: str = Field(description="测温时段的代码")
    label: str = Field(description="测温时段的名称")
    state: MissingState
    opens_at: datetime
    closes_at: datetime
    not_taken: NotTakenReason | None = Field(description="已上门而没有测成的原因")


class MissingCount(Wire):
    """How one grid stands in one window."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a805a",
                    "grid_name": "青竹村第二网格",
                    "window": "morning",
                    "label": "早",
                    "expected": 6,
                    "done": 4,
                    "due": 2,
                    "late": 0,
                }
            ]
        }
    )

    grid_id: UUID
    grid_name: str | None = Field(description="网格不在您的范围内（只包保其中某人）时为 null")
    window: str
    label: str
    expected: int = Field(description="应测人次")
    done: int = Field(description="已测人次")
    due: int = Field(description="时段未结束，待测人次")
    late: int = Field(description="时段已结束，未测人次")


class MissingCounts(Wire):
    """How every grid in reach stands on one day."""

    day: date
    items: list[MissingCount]
