"""Shifts on the wire: who is on duty, where and when, and what is left uncovered."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.corrections import Replaced
from api.foundation.fields import Input, Instant, LongText, Name, RecordId, Wire, unsaid
from api.rosters.models import DutyPlace

_NIGHT: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "place_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "worker_id": "01890a5d-ac96-774b-bcce-b302099a8059",
    "role": "值班长",
    "starts_at": "2022-02-15T20:00:00+08:00",
    "ends_at": "2022-02-16T08:00:00+08:00",
    "note": None,
}

PlaceId = Annotated[RecordId, Field(description="卡点或站点的编号")]
WorkerId = Annotated[RecordId, Field(description="值班人员的编号")]
DutyRole = Annotated[Name | None, Field(description="班上的分工", examples=["值班长"])]
StartsAt = Annotated[Instant, Field(description="上班时间；最早为一个月前，最晚为一年后")]
EndsAt = Annotated[Instant, Field(description="下班时间；一班最长 24 小时")]
Note = Annotated[LongText | None, Field(description="备注", examples=["带手电和额温枪"])]
Why = Annotated[LongText, Field(description="理由，留存备查", examples=["本人发热，换人值班"])]


class ShiftRecord(Input):
    """One person's shift at one place."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NIGHT]})

    id: RecordId
    place_id: PlaceId
    worker_id: WorkerId
    role: DutyRole = None
    starts_at: StartsAt
    ends_at: EndsAt
    note: Note = None


class ShiftBatch(Input):
    """A roster: many shifts, each kept or refused for itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_NIGHT]}]})

    items: Annotated[
        list[Annotated[ShiftRecord, EACH_ALONE]],
        Field(min_length=1, max_length=500, description="各班，最多 500 班"),
    ]


class ShiftCorrect(Input):
    """What changes of a shift, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "worker_id": "01890a5d-ac96-774b-bcce-b302099a805a",
                    "reason": "本人发热，换人值班",
                }
            ]
        }
    )

    worker_id: Annotated[WorkerId, Field(default_factory=unsaid)]
    role: DutyRole = None
    starts_at: Annotated[StartsAt, Field(default_factory=unsaid)]
    ends_at: Annotated[EndsAt, Field(default_factory=unsaid)]
    note: Note = None
    reason: Why


class ShiftSwap(Input):
    """With which other shift this one changes its person, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "other_shift_id": "01890a5d-ac96-774b-bcce-b302099a805d",
                    "other_version": 2,
                    "reason": "两人商定换班",
                }
            ]
        }
    )

    other_shift_id: Annotated[RecordId, Field(description="另一班的编号")]
    other_version: Annotated[int, Field(ge=1, description="另一班的版本号")]
    reason: Why


class ShiftDiscard(Input):
    """Why a shift is taken off the roster."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "卡点提前撤除"}]})

    reason: Why


class ShiftRead(Wire):
    """A shift as it stands on the roster."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_NIGHT,
                    "version": 1,
                    "place_kind": "checkpoint",
                    "place_name": "青竹大桥卡点",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "worker_name": "黄建国",
                    "starts_at": "2022-02-15T12:00:00Z",
                    "ends_at": "2022-02-16T00:00:00Z",
                    "arranged_at": "2022-02-14T02:00:00Z",
                    "arranged_by": "01890a5d-ac96-774b-bcce-b302099a805c",
                    "discarded_at": None,
                }
            ]
        }
    )

    id: UUID
    version: int
    place_kind: DutyPlace
    place_id: UUID = Field(description="卡点或站点的编号")
    place_name: str = Field(description="卡点或站点名称")
    grid_id: UUID
    worker_id: UUID
    worker_name: str
    role: str | None = Field(description="班上的分工")
    starts_at: datetime = Field(description="上班时间")
    ends_at: datetime = Field(description="下班时间")
    note: str | None = Field(description="备注")
    arranged_at: datetime = Field(description="排班时间")
    arranged_by: UUID = Field(description="排班的人")
    discarded_at: datetime | None = Field(description="取消时间；有效的为 null")


class ShiftRevision(Replaced, Wire):
    """What was said of a shift before a correction."""

    shift: ShiftRead = Field(description="更改前的内容")


class ShiftHistory(Wire):
    """Every former version, oldest first."""

    items: list[ShiftRevision]


class SwappedShifts(Wire):
    """Both shifts as they stand now: this one, and the other."""

    items: list[ShiftRead]


class Gap(Wire):
    """A time for which nobody is on duty."""

    starts_at: datetime = Field(description="从何时起无人值班")
    ends_at: datetime = Field(description="到何时为止")
    minutes: int = Field(description="共多少分钟")


class Shortage(Wire):
    """A time for which fewer people of a role are on duty than the place needs."""

    starts_at: datetime = Field(description="从何时起人数不足")
    ends_at: datetime = Field(description="到何时为止；有人上下班的，分段列出")
    minutes: int = Field(description="共多少分钟")
    role: str = Field(description="缺人的分工", examples=["查验"])
    needed: int = Field(description="须有几人")
    there: int = Field(description="已排几人")
    missing: int = Field(description="尚缺几人")
    shift_ids: list[UUID] = Field(description="这一时段该分工已排的班次")


class Gaps(Wire):
    """When a place stands unmanned, the earliest first; and when it is short of whom."""

    items: list[Gap]
    minutes: int = Field(description="无人值班共多少分钟")
    short: list[Shortage] = Field(description="人数不足的时段；未规定人数的为空")


class PlaceShort(Wire):
    """A place that is short of somebody."""

    place_kind: DutyPlace
    place_id: UUID = Field(description="卡点或站点的编号")
    place_name: str = Field(description="卡点或站点名称")
    short: list[Shortage] = Field(description="人数不足的时段，先开始的在前")


class RosterShortages(Wire):
    """Every place in reach that is short of somebody on some days, by name."""

    from_on: date = Field(description="从哪一天起")
    to_on: date = Field(description="到哪一天止")
    items: list[PlaceShort] = Field(description="人数不足的卡点和站点；都齐的不列")
