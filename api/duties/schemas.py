"""A post's day on the wire: door by door, what is to be done and where to report it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Wire
from api.foundation.labels import Labelled


class DutyKind(Labelled):
    """What is to be done."""

    reading = "reading", "测量体温"
    visit = "visit", "上门走访"
    call = "call", "问候电话"
    test = "test", "检测采样"
    retest = "retest", "单采复核"
    follow_up = "follow_up", "解除后随访"
    errand = "errand", "代办"
    site_check = "site_check", "住所核查"
    alert = "alert", "异常处置"
    directive = "directive", "上级指令"
    transfer = "transfer", "转运"
    referral = "referral", "送医"
    leave = "leave", "外出"
    change = "change", "期限变更审批"
    release = "release", "解除审批"
    arrival = "arrival", "返（来）乡"
    lead = "lead", "涉疫线索"
    home_sampling = "home_sampling", "上门采样"
    site_session = "site_session", "采样点、接种点排班"
    shift = "shift", "值班"


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

    id: UUID | None = Field(description="居民编号；未登记为居民的返（来）乡、线索人员为 null")
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
