"""Duties on the wire: a post's day, what is due in its grids, and what was missed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.alerts.models import Cause
from api.foundation.fields import Wire
from api.foundation.labels import Labelled


class DutyKind(Labelled):
    """What is to be done."""

    reading = "reading", "测量体温"
    visit = "visit", "上门走访"
    call = "call", "问候电话"
    test = "test", "检测采样"
    follow_up = "follow_up", "解除后随访"
    site_check = "site_check", "住所核查"
    alert = "alert", "异常处置"
    directive = "directive", "上级指令"
    transfer = "transfer", "转运"
    leave = "leave", "外出"
    change = "change", "期限变更审批"
    release = "release", "解除审批"
    arrival = "arrival", "返(来)乡"


class CareKind(Labelled):
    """What is owed to a person under control, or released from it, day by day."""

    reading = "reading", "测量体温"
    visit = "visit", "上门走访"
    call = "call", "问候电话"
    test = "test", "检测采样"
    follow_up = "follow_up", "解除后随访"


class DutyState(Labelled):
    """Whether it is time: late can still be done, and is done late."""

    due = "due", "待办"
    later = "later", "未到时间"
    late = "late", "已逾时"


class HowToReport(Wire):
    """Where to report it, and the ids to send; the rest of the body is what was found."""

    method: str = Field(description="HTTP 方法")
    path: str = Field(description="提交到哪里")
    body: dict[str, str] = Field(description="须原样带上的内容")


class DutyPerson(Wire):
    """Whom it concerns."""

    id: UUID | None = Field(description="居民编号;未登记为居民的返(来)乡人员为 null")
    name: str


class DutyHome(Wire):
    """The door, its address masked."""

    id: UUID
    name: str
    number: int = Field(description="户号")
    place: str | None = Field(description="脱敏的住址")


class DutyItem(Wire):
    """One thing to do."""

    kind: DutyKind
    what: str = Field(description="做什么")
    person: DutyPerson | None
    opens_at: datetime = Field(description="何时起可以办理")
    due_at: datetime = Field(description="何时之前办理")
    state: DutyState
    report: HowToReport


class Stop(Wire):
    """One door and everything to be done there; null is what needs no door."""

    household: DutyHome | None
    duties: list[DutyItem] = Field(description="先到期的在前")


_DAY: dict[str, Any] = {
    "as_of": "2022-02-15T00:10:00Z",
    "day": "2022-02-15",
    "due": 1,
    "later": 0,
    "late": 0,
    "stops": [
        {
            "household": {
                "id": "01890a5d-ac96-774b-bcce-b302099a8059",
                "name": "黄建国户",
                "number": 12,
                "place": "柳村一组***",
            },
            "duties": [
                {
                    "kind": "reading",
                    "what": "测黄建国的早体温",
                    "person": {"id": "01890a5d-ac96-774b-bcce-b302099a8060", "name": "黄建国"},
                    "opens_at": "2022-02-14T22:00:00Z",
                    "due_at": "2022-02-15T03:00:00Z",
                    "state": "due",
                    "report": {
                        "method": "POST",
                        "path": "/v1/readings",
                        "body": {
                            "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                            "window": "morning",
                        },
                    },
                }
            ],
        }
    ],
}


class MyDay(Wire):
    """A post's day, as somebody walks it: door by door, where something is due first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DAY]})

    as_of: datetime = Field(description="截至何时")
    day: date
    due: int = Field(description="现在要办的件数")
    later: int = Field(description="今天稍后要办的件数")
    late: int = Field(description="已逾时、仍须办理的件数")
    stops: list[Stop]


class BoardPlace(Labelled):
    """What a line of the board is about."""

    grid = "grid", "网格"
    household = "household", "户"
    person = "person", "人"


class Tally(Wire):
    """How one kind of duty stands: every one is in exactly one of the last four numbers."""

    kind: CareKind
    window: str | None = Field(description="测温时段的代码;其他任务为 null")
    label: str | None = Field(description="测温时段的名称;其他任务为 null")
    expected: int = Field(description="应办件次")
    done: int = Field(description="按时办理")
    late: int = Field(description="逾时补办")
    missed: int = Field(description="逾时未办")
    open: int = Field(description="未到期,尚未办理")


class BoardLine(Wire):
    """A grid, a household or a person, and how their duties stand."""

    kind: BoardPlace
    id: UUID
    name: str
    number: int | None = Field(description="户号;不是户时为 null")
    tallies: list[Tally]


class Board(Wire):
    """How the duties of one local day stand, one line for each place just below."""

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
    window: str | None = Field(description="测温时段的代码;其他任务为 null")
    label: str | None = Field(description="测温时段的名称;其他任务为 null")
    opens_at: datetime
    due_at: datetime
    quarantine_id: UUID
    resident_id: UUID
    resident_name: str
    household_id: UUID
    household_name: str
    household_number: int
    grid_id: UUID
    on_duty: list[OnDuty] = Field(description="当时的包保人员;没有配齐的,另有当时的网格员")


class GridView(Wire):
    """How one grid stands today, with all below it."""

    grid_id: UUID
    grid_name: str
    quarantined: int = Field(description="在隔离人数")
    expected: int = Field(description="今日应办件次")
    done: int = Field(description="按时办理")
    late: int = Field(description="逾时补办")
    missed: int = Field(description="逾时未办")
    open: int = Field(description="未到期,尚未办理")
    open_alerts: dict[Cause, int] = Field(description="未办结的异常件数,按何种异常")
    waiting_releases: int = Field(description="期满待解除人数")


class LiveView(Wire):
    """How every grid just below stands now."""

    as_of: datetime
    day: date
    grids: list[GridView]
