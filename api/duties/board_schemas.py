"""How duties stand, on the wire: the board of a day, what was missed, the live view."""

from datetime import date, datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from api.alerts.models import Cause
from api.foundation.fields import Wire
from api.foundation.labels import Labelled


class CareKind(Labelled):
    """What is owed to a person under control, or released from it, day by day."""

    reading = "reading", "测量体温"
    visit = "visit", "上门走访"
    call = "call", "问候电话"
    test = "test", "检测采样"
    follow_up = "follow_up", "解除后随访"
    errand = "errand", "代办"


class BoardPlace(Labelled):
    """What a line of the board is about."""

    grid = "grid", "网格"
    household = "household", "户"
    person = "person", "人"


class Tally(Wire):
    """How one kind of duty stands: every one is in exactly one of the last four numbers."""

    kind: CareKind
    window: str | None = Field(description="测温时段的代码；其他任务为 null")
    label: str | None = Field(description="测温时段的名称；其他任务为 null")
    expected: int = Field(description="应办件次")
    done: int = Field(description="按时办理")
    late: int = Field(description="逾时补办")
    missed: int = Field(description="逾时未办")
    open: int = Field(description="未到期，尚未办理")


class BoardLine(Wire):
    """A grid, a household or a person, and how their duties stand."""

    kind: BoardPlace
    id: UUID
    name: str
    number: int | None = Field(description="户号；不是户时为 null")
    tallies: list[Tally]


class Board(Wire):
    """How the duties of one local day stand, one line for each place just below."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "as_of": "2022-02-15T04:00:00Z",
                    "day": "2022-02-15",
                    "lines": [
                        {
                            "kind": "grid",
                            "id": "01890a5d-ac96-774b-bcce-b302099a8001",
                            "name": "柳村一组",
                            "number": None,
                            "tallies": [
                                {
                                    "kind": "reading",
                                    "window": "morning",
                                    "label": "早",
                                    "expected": 12,
                                    "done": 9,
                                    "late": 1,
                                    "missed": 2,
                                    "open": 0,
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )

    as_of: datetime
    day: date
    lines: list[BoardLine]


class OnDuty(Wire):
    """Who had this duty when its time ran out."""

    worker_id: UUID
    name: str


class MissedRead(Wire):
    """A duty whose time ran out and that nobody has done since."""

    kind: CareKind
    day: date
    window: str | None = Field(description="测温时段的代码；其他任务为 null")
    label: str | None = Field(description="测温时段的名称；其他任务为 null")
    opens_at: datetime
    due_at: datetime
    quarantine_id: UUID
    resident_id: UUID
    resident_name: str
    household_id: UUID
    household_name: str
    household_number: int
    grid_id: UUID
    on_duty: list[OnDuty] = Field(description="当时的包保人员；没有配齐的，另有当时的网格员")


class GridView(Wire):
    """How one grid stands today, with all below it."""

    grid_id: UUID
    grid_name: str
    quarantined: int = Field(description="在隔离人数")
    expected: int = Field(description="今日应办件次")
    done: int = Field(description="按时办理")
    late: int = Field(description="逾时补办")
    missed: int = Field(description="逾时未办")
    open: int = Field(description="未到期，尚未办理")
    open_alerts: dict[Cause, int] = Field(description="未办结的异常件数，按何种异常")
    waiting_releases: int = Field(description="期满待解除人数")
    late_leads: int = Field(description="逾期而未反馈的线索条数")


class LiveView(Wire):
    """How every grid just below stands now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "as_of": "2022-02-15T04:00:00Z",
                    "day": "2022-02-15",
                    "grids": [
                        {
                            "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                            "grid_name": "柳村",
                            "quarantined": 23,
                            "expected": 92,
                            "done": 41,
                            "late": 3,
                            "missed": 2,
                            "open": 46,
                            "open_alerts": {"fever": 1, "missed_reading": 2},
                            "waiting_releases": 4,
                            "late_leads": 0,
                        }
                    ],
                }
            ]
        }
    )

    as_of: datetime
    day: date
    grids: list[GridView]
