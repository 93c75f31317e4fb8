"""A whole round of temperatures on the wire: “all normal”, except for those named (M5.6)."""

from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, RecordId, Wire
from api.foundation.records import Outcome
from api.protocols.symptoms import Symptom, Symptoms
from api.readings.models import Method, NotTakenReason, Site
from api.readings.schemas import MeasuredAt, Note, ReadingRecord, Value, WindowName

LARGEST = 500
"""Readings in one round; a township has a few dozen people in quarantine."""


class Normal(Input):
    """Everybody of whom nothing else is said: either the people named, or a whole grid."""

    value_c: Annotated[Value, Field(description="各人相同的正常体温，摄氏度")]
    quarantine_ids: Annotated[
        list[RecordId] | None, Field(max_length=LARGEST, description="这些隔离人员")
    ] = None
    grid_id: Annotated[
        RecordId | None, Field(description="该网格（含下级）内所有在隔离、未免测的人员")
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.quarantine_ids is None) == (self.grid_id is None):
            raise PydanticCustomError("normal_who", "请填写隔离人员或网格中的一项")
        return self


class RoundException(Input):
    """One person who is not like the others, or could not be measured."""

    quarantine_id: Annotated[RecordId, Field(description="隔离记录的编号")]
    value_c: Annotated[Value | None, Field(description="体温，摄氏度；没有测成的不填")] = None
    not_measured: Annotated[NotTakenReason | None, Field(description="没有测成的原因")] = None
    symptoms: Symptoms = Field(default_factory=list[Symptom])
    note: Note = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.value_c is None) == (self.not_measured is None):
            raise PydanticCustomError("exception_what", "请填写体温，或没有测成的原因")
        return self


class RoundRecord(FromTheField):
    """A round: those who are normal, the exceptions, and readings told one by one.

    The ids of the first two follow from the round's own, so that a round sent twice is one round.
    What a single reading does not say of time, window and measurer, the round says for it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8101",
                    "measured_at": "2022-02-15T08:10:00+08:00",
                    "normal": {
                        "value_c": 36.5,
                        "grid_id": "01890a5d-ac96-774b-bcce-b302099a805a",
                    },
                    "exceptions": [
                        {
                            "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                            "value_c": 37.6,
                            "symptoms": ["dry_cough"],
                        },
                        {
                            "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8060",
                            "not_measured": "refused",
                        },
                    ],
                }
            ]
        }
    )

    measured_at: MeasuredAt = None
    window: WindowName | None = None
    method: Annotated[Method, Field(description="测量方式")] = Method.electronic
    site: Annotated[Site, Field(description="测量部位")] = Site.axillary
    normal: Annotated[Normal | None, Field(description="全部正常的人员")] = None
    exceptions: Annotated[
        list[RoundException], Field(max_length=LARGEST, description="与众不同的人员")
    ] = Field(default_factory=list[RoundException])
    readings: Annotated[
        list[ReadingRecord], Field(max_length=LARGEST, description="逐条填写的体温")
    ] = Field(default_factory=list[ReadingRecord])


# A plain class: five hundred models would take a fifth of a round's time to make.
@dataclass(slots=True, kw_only=True)
class RoundItem:
    """What became of one person's temperature; `id` is the reading's, made from the round's."""

    id: UUID
    outcome: Outcome
    problem: Annotated[
        dict[str, Any] | None, Field(description="未保存的原因，格式同单条提交的错误")
    ]
    quarantine_id: UUID
    abnormal: Annotated[bool | None, Field(description="是否异常；未保存或没有测成时为 null")]
    not_measured: Annotated[NotTakenReason | None, Field(description="没有测成的原因")]


class RoundOutcome(Wire):
    """What became of every person of the round; nothing is lost silently."""

    id: UUID
    items: list[RoundItem]
    created: int = Field(description="新保存的条数")
    unchanged: int = Field(description="此前已保存的条数")
    refused: int = Field(description="未保存的条数")
    abnormal: int = Field(description="其中异常的条数")

    @classmethod
    def of(cls, round_id: UUID, items: list[RoundItem]) -> "RoundOutcome":
        count = {kind: sum(item.outcome is kind for item in items) for kind in Outcome}
        return cls(
            id=round_id,
            items=items,
            abnormal=sum(item.abnormal is True for item in items),
            **{kind.value: number for kind, number in count.items()},
        )
