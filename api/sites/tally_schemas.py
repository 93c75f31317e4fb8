"""Counts and troubles of a session on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, LongText, Wire, unsaid
from api.sites.models import TroubleKind

_HOUR: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8072",
    "hour_at": "2022-02-15T08:00:00+08:00",
    "people": 180,
    "doses": 0,
    "tubes": 18,
    "turned_away": 2,
}
_TROUBLE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8073",
    "kind": "supplies",
    "urgent": True,
    "note": "采样管只够半小时",
}

HourAt = Annotated[Instant, Field(description="整点，这一小时的开始")]
People = Annotated[int, Field(ge=0, le=100_000, description="采样或接种的人数")]
Doses = Annotated[int, Field(ge=0, le=100_000, description="接种的剂数")]
Tubes = Annotated[int, Field(ge=0, le=100_000, description="采样管数")]
TurnedAway = Annotated[int, Field(ge=0, le=100_000, description="未能办理的人数")]


class TallyRecord(FromTheField):
    """What one counter had in one hour."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HOUR]})

    hour_at: HourAt
    people: People
    doses: Doses = 0
    tubes: Tubes = 0
    turned_away: TurnedAway = 0


class TallyCorrect(Input):
    """What was wrong with a count, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"people": 182, "reason": "漏计"}]})

    people: Annotated[People, Field(default_factory=unsaid)]
    doses: Annotated[Doses, Field(default_factory=unsaid)]
    tubes: Annotated[Tubes, Field(default_factory=unsaid)]
    turned_away: Annotated[TurnedAway, Field(default_factory=unsaid)]
    reason: Annotated[LongText, Field(description="理由，留存备查")]


class TallyRead(Wire):
    """A count as it is kept."""

    id: UUID
    version: int
    site_session_id: UUID
    site_id: UUID
    grid_id: UUID
    hour_at: datetime = Field(description="整点，这一小时的开始")
    people: int = Field(description="采样或接种的人数")
    doses: int = Field(description="接种的剂数")
    tubes: int = Field(description="采样管数")
    turned_away: int = Field(description="未能办理的人数")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID


class Counted(Wire):
    """Numbers of an hour, or of all of them."""

    people: int = Field(description="采样或接种的人数")
    doses: int = Field(description="接种的剂数")
    tubes: int = Field(description="采样管数")
    turned_away: int = Field(description="未能办理的人数")


class HourCounted(Counted):
    """The numbers of one hour, of all counters together."""

    hour_at: datetime = Field(description="整点，这一小时的开始")


class SessionTallyRead(Wire):
    """How many came, by the hour; beside it how many were registered by name."""

    hours: list[HourCounted] = Field(description="逐小时，先后排列")
    total: Counted = Field(description="合计")
    named: int = Field(description="本场次按姓名登记的采样、接种人数")
    difference: int = Field(description="合计人数减去按姓名登记的人数")


class TroubleRecord(FromTheField):
    """Something that is wrong at a session."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TROUBLE]})

    kind: Annotated[TroubleKind, Field(description="问题类别")]
    urgent: Annotated[bool, Field(description="true 为紧急，立即上报")] = False
    note: Annotated[LongText, Field(description="情况说明")]
    found_at: Annotated[Instant | None, Field(description="发现时间；不填为现在")] = None


class TroubleSolution(Input):
    """What was done about it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"solution": "已从镇里调来 200 支"}]})

    solution: Annotated[LongText, Field(description="如何解决的")]


class TroubleRead(Wire):
    """A trouble as it stands."""

    id: UUID
    version: int
    site_session_id: UUID
    site_id: UUID
    grid_id: UUID
    kind: TroubleKind
    urgent: bool = Field(description="是否紧急")
    found_at: datetime = Field(description="发现时间")
    note: str = Field(description="情况说明")
    solved_at: datetime | None = Field(description="解决时间；未解决的为 null")
    solved_by: UUID | None = Field(description="登记解决的人")
    solution: str | None = Field(description="如何解决的")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
