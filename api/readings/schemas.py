"""Temperatures on the wire."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.corrections import Replaced
from api.foundation.field_records import FromTheField
from api.foundation.fields import Celsius, Input, Instant, LongText, RecordId, Wire, unsaid
from api.foundation.records import Source
from api.protocols.models import Timing
from api.protocols.symptoms import Symptom, Symptoms
from api.readings.models import Method, Site

NOTE = "readings.note"
"""The context in which the notes of readings are sealed."""


WindowName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,19}$",
        description="测温时段的代码；不填则按测量时间判断",
        examples=["morning"],
    ),
]
Value = Annotated[Celsius, Field(description="体温，摄氏度，最多一位小数")]
Note = Annotated[LongText | None, Field(description="备注（加密保存）", examples=["已服退烧药"])]
MeasuredAt = Annotated[Instant | None, Field(description="测量时间；不填则为现在")]
Why = Annotated[LongText, Field(description="理由，留存备查", examples=["录入时看错一行"])]


class Measured(Input):
    """What a thermometer and a question at the door tell."""

    value_c: Value
    method: Annotated[Method, Field(description="测量方式")] = Method.electronic
    site: Annotated[Site, Field(description="测量部位")] = Site.axillary
    symptoms: Symptoms = Field(default_factory=list[Symptom])
    measured_at: MeasuredAt = None
    window: WindowName | None = None
    note: Note = None


class ReadingRecord(Measured, FromTheField):
    """One temperature of one quarantined person; only three members must be told (M5.6)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "value_c": 36.5,
                    "symptoms": [],
                    "measured_at": "2022-02-15T08:10:00+08:00",
                }
            ]
        }
    )

    quarantine_id: Annotated[RecordId, Field(description="隔离记录的编号")]


class ReadingCorrect(Input):
    """What was wrong with a reading: only the members that change, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"value_c": 37.5, "reason": "录入时看错一行"}]}
    )

    value_c: Annotated[Value, Field(default_factory=unsaid)]
    method: Annotated[Method, Field(description="测量方式", default_factory=unsaid)]
    site: Annotated[Site, Field(description="测量部位", default_factory=unsaid)]
    symptoms: Annotated[Symptoms, Field(default_factory=unsaid)]
    measured_at: Annotated[Instant, Field(description="测量时间", default_factory=unsaid)]
    window: Annotated[WindowName, Field(default_factory=unsaid)]
    performed_by: Annotated[RecordId, Field(description="实际测量的人", default_factory=unsaid)]
    note: Annotated[LongText | None, Field(description="备注；null 为删除")] = None
    reason: Why


class ReadingDiscard(Input):
    """Why a reading is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "登记到了别人名下"}]})

    reason: Why


class ReadingRead(Wire):
    """A reading as it is kept, judged by the policy of its quarantine."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "version": 1,
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a805a",
                    "day": "2022-02-15",
                    "window": "morning",
                    "timing": "on_time",
                    "value_c": 37.6,
                    "method": "electronic",
                    "site": "axillary",
                    "symptoms": ["fever", "dry_cough"],
                    "has_note": True,
                    "measured_at": "2022-02-15T00:10:00Z",
                    "abnormal": True,
                    "low": False,
                    "recorded_at": "2022-02-15T00:12:00Z",
                    "received_at": "2022-02-15T00:12:03Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "source": "visit",
                    "discarded_at": None,
                }
            ]
        }
    )

    id: UUID
    version: int
    quarantine_id: UUID
    resident_id: UUID
    grid_id: UUID
    day: date = Field(description="所属的日期（北京时间）")
    window: str = Field(description="所属的测温时段")
    timing: Timing
    value_c: float = Field(description="体温，摄氏度")
    method: Method
    site: Site
    symptoms: list[Symptom]
    has_note: bool = Field(description="是否有备注；查看备注须说明理由")
    measured_at: datetime
    abnormal: bool = Field(description="发热或有症状")
    low: bool = Field(description="体温偏低，请核实")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
    source: Source
    discarded_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "ReadingRead":
        """A row; its note stays sealed."""
        return cls(**row, has_note=row["note_sealed"] is not None)


class ReadingVersion(Replaced, Wire):
    """What a reading said before it was corrected or discarded."""

    reading: ReadingRead


class ReadingHistory(Wire):
    """The former versions of a reading, newest first."""

    items: list[ReadingVersion]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "ReadingHistory":
        """Rows of former versions, each with who replaced it and why."""
        return cls(items=[ReadingVersion(**row, reading=ReadingRead.of(row)) for row in rows])


class NoteRevealAsk(Input):
    """Why a note is needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "核对昨日用药情况"}]})

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]


class NoteRevealed(Wire):
    """The plain note of a reading."""

    id: UUID
    note: str | None
