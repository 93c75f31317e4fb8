"""Calls of the care line and follow-ups after release, on the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from api.care.models import CallKind, CallOutcome, Mood
from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, LongText, RecordId, Wire, unsaid
from api.foundation.records import Source
from api.protocols.symptoms import Symptom, Symptoms
from api.visits.models import Need


def _each_once(needs: list[Need]) -> list[Need]:
    return list(dict.fromkeys(needs))


Needs = Annotated[
    list[Need],
    Field(max_length=len(Need), description="提出的需求；没有则为空列表"),
    AfterValidator(_each_once),
]
Why = Annotated[LongText, Field(description="理由，留存备查", examples=["登记到了别人名下"])]

_CALL: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "kind": "daily",
    "called_at": "2022-02-15T19:30:00+08:00",
    "outcome": "reached",
    "mood": "low",
    "symptoms": [],
    "needs": ["medicine", "counselling"],
}


class CareCallRecord(FromTheField):
    """One call to one person; only how it went must be told (R7)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_CALL, "note": "降压药只剩两天，夜里睡不着。"}]}
    )

    kind: Annotated[
        CallKind | None, Field(description="类别；不填则隔离期内为每日问候，解除后为随访")
    ] = None
    called_at: Annotated[Instant | None, Field(description="通话时间；不填则为现在")] = None
    outcome: Annotated[CallOutcome, Field(description="是否接通；未接通的须上门")]
    mood: Annotated[Mood | None, Field(description="情绪；接通才填")] = None
    symptoms: Symptoms = Field(default_factory=list[Symptom])
    needs: Needs = Field(default_factory=list[Need])
    note: Annotated[LongText | None, Field(description="通话情况，加密保存")] = None


class CareCallCorrect(Input):
    """What was wrong with a call: only the members that change, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"mood": "calm", "reason": "问候人听错，家属更正"}]}
    )

    kind: Annotated[CallKind, Field(default_factory=unsaid, description="类别")]
    called_at: Annotated[Instant, Field(default_factory=unsaid, description="通话时间")]
    outcome: Annotated[CallOutcome, Field(default_factory=unsaid, description="是否接通")]
    mood: Annotated[Mood | None, Field(description="情绪；null 为删除")] = None
    symptoms: Annotated[Symptoms, Field(default_factory=unsaid)]
    needs: Annotated[Needs, Field(default_factory=unsaid)]
    note: Annotated[LongText | None, Field(description="通话情况；null 为删除")] = None
    performed_by: Annotated[RecordId, Field(default_factory=unsaid, description="实际通话的人")]
    reason: Why


class CareCallDiscard(Input):
    """Why a call is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "登记到了别人名下"}]})

    reason: Why


class CareCallRead(Wire):
    """A call as it is kept; its note is told only with a reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_CALL,
                    "version": 1,
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a805a",
                    "day": "2022-02-15",
                    "called_at": "2022-02-15T11:30:00Z",
                    "has_note": True,
                    "recorded_at": "2022-02-15T11:32:00Z",
                    "received_at": "2022-02-15T11:32:03Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "source": "phone",
                    "discarded_at": None,
                }
            ]
        }
    )

    id: UUID
    version: int = Field(description="版本号，更正、作废时填入 If-Match")
    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="受访的居民")
    grid_id: UUID = Field(description="所在网格")
    kind: CallKind
    day: date = Field(description="属于哪一天（北京时间）")
    called_at: datetime = Field(description="通话时间")
    outcome: CallOutcome
    mood: Mood | None
    symptoms: list[Symptom]
    needs: list[Need]
    has_note: bool = Field(description="是否有通话情况；查看须说明理由")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际通话的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source
    discarded_at: datetime | None = Field(description="作废时间；有效的为 null")


class CallNoteAsk(Input):
    """Why a note is needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "安排心理疏导"}]})

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]


class CallNoteRevealed(Wire):
    """The plain note of a call."""

    id: UUID
    note: str | None = Field(description="通话情况")


class OwedVisit(Wire):
    """Somebody whom the care line did not reach and whom nobody has met since (M3.6)."""

    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="未接通的居民")
    resident_name: str = Field(description="姓名")
    household_id: UUID = Field(description="须上门的户")
    grid_id: UUID = Field(description="所在网格")
    call_id: UUID = Field(description="最近一次未接通的通话")
    called_at: datetime = Field(description="最近一次未接通的时间")


class ReleaseFollowUp(Wire):
    """One follow-up after a release: when it falls due, and the call that answers it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "day": 3,
                    "due_on": "2022-02-24",
                    "call_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "answered_on": "2022-02-25",
                    "late": True,
                }
            ]
        }
    )

    day: int = Field(description="解除后第几天")
    due_on: date = Field(description="应随访的日期")
    call_id: UUID | None = Field(description="完成这次随访的通话；尚未完成为 null")
    answered_on: date | None = Field(description="哪一天完成；尚未完成为 null")
    late: bool = Field(description="是否晚于应随访的日期：补做的，或到今天仍未做的")


class ReleaseFollowUps(Wire):
    """The follow-ups of one release, by day; none where nobody was released."""

    items: list[ReleaseFollowUp]
