"""Visits and follow-ups on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.corrections import Replaced
from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, LongText, Place, RecordId, Wire, unsaid
from api.foundation.records import Source
from api.visits.models import Need, VisitMode, VisitOutcome, VisitPurpose

LARGEST_BATCH = 500


def _each_once(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


Mode = Annotated[VisitMode, Field(description="走访方式")]
MetOrNot = Annotated[VisitOutcome, Field(description="走访结果；家中无人、不配合的须跟进")]
Purposes = Annotated[
    list[VisitPurpose],
    Field(max_length=len(VisitPurpose), description="走访目的"),
    AfterValidator(_each_once),
]
Needs = Annotated[
    list[Need],
    Field(max_length=len(Need), description="群众提出的需求"),
    AfterValidator(_each_once),
]
VisitedAt = Annotated[Instant, Field(description="走访时间")]
Where = Annotated[Place, Field(description="走访地点，注明坐标系")]
Why = Annotated[
    LongText, Field(description="理由，留存备查", examples=["户主说当天在家，是邻居看错"])
]

_VISIT: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "household_id": "01890a5d-ac96-774b-bcce-b302099a8050",
    "mode": "visit",
    "outcome": "met",
    "purposes": ["screening", "temperature"],
    "needs": ["medicine"],
    "findings": "家中四口都在，女儿 2 月 4 日从南宁返乡，体温正常。",
    "visited_at": "2022-02-15T08:30:00+08:00",
    "place": {"latitude": 22.1372, "longitude": 107.0689, "datum": "gcj02", "accuracy_m": 12},
}


class VisitRecord(FromTheField):
    """One contact with one household: a knock, a call or a message."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VISIT]})

    household_id: Annotated[RecordId, Field(description="走访的户")]
    mode: Mode
    outcome: MetOrNot
    purposes: Purposes = Field(default_factory=list[VisitPurpose])
    needs: Needs = Field(default_factory=list[Need])
    findings: Annotated[LongText | None, Field(description="走访情况（加密保存）")] = None
    visited_at: VisitedAt
    place: Where | None = None


class VisitBatch(Input):
    """The visits of a day, or of a day without signal: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_VISIT]}]})

    items: Annotated[
        list[Annotated[VisitRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


class VisitCorrect(Input):
    """What was wrong with a visit: only the members that change, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "met", "reason": "户主说当天在家，是邻居看错"}]}
    )

    mode: Mode = Field(default_factory=unsaid)
    outcome: MetOrNot = Field(default_factory=unsaid)
    purposes: Purposes = Field(default_factory=unsaid)
    needs: Needs = Field(default_factory=unsaid)
    findings: Annotated[LongText | None, Field(description="走访情况；null 为删除")] = None
    visited_at: VisitedAt = Field(default_factory=unsaid)
    place: Annotated[Where | None, Field(description="走访地点；null 为删除")] = None
    performed_by: Annotated[RecordId, Field(default_factory=unsaid, description="实际走访的人")]
    reason: Why


class VisitDiscard(Input):
    """Why a visit is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "登记到了别人家"}]})

    reason: Why


class VisitRead(Wire):
    """A visit as it is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_VISIT,
                    "version": 1,
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "recorded_at": "2022-02-15T00:31:00Z",
                    "received_at": "2022-02-15T03:10:00Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8004",
                    "source": "visit",
                    "discarded_at": None,
                }
            ]
        }
    )

    id: UUID
    version: Annotated[int, Field(description="版本号，更正时填入 If-Match")]
    household_id: UUID
    grid_id: Annotated[UUID, Field(description="该户所在的网格")]
    mode: VisitMode
    outcome: VisitOutcome
    purposes: list[VisitPurpose]
    needs: list[Need]
    findings: Annotated[str | None, Field(description="走访情况")]
    visited_at: Annotated[datetime, Field(description="走访时间")]
    place: Annotated[Place | None, Field(description="走访地点")]
    recorded_at: Annotated[datetime, Field(description="手机上记下的时间")]
    received_at: Annotated[datetime, Field(description="服务收到的时间")]
    performed_by: Annotated[UUID, Field(description="实际走访的人")]
    entered_by: Annotated[UUID, Field(description="录入的人")]
    source: Source
    discarded_at: Annotated[datetime | None, Field(description="作废时间；有效的为 null")]


class VisitRevision(Replaced, Wire):
    """What a visit said before a correction."""

    visit: Annotated[VisitRead, Field(description="更正前的内容")]


class VisitHistory(Wire):
    """Every former version, oldest first."""

    items: list[VisitRevision]


class FollowUp(Wire):
    """A household that was not met at its latest visit and has to be seen again (M2.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "household_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                    "household_name": "黄秀英户",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "since": "2022-02-13T01:20:00Z",
                    "attempts": 2,
                    "last_outcome": "refused",
                    "last_visit_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "last_visited_at": "2022-02-15T00:30:00Z",
                }
            ]
        }
    )

    household_id: UUID
    household_name: Annotated[str, Field(description="户名")]
    grid_id: Annotated[UUID, Field(description="该户所在的网格")]
    since: Annotated[datetime, Field(description="从何时起未见到：上次见到之后第一次走访的时间")]
    attempts: Annotated[int, Field(description="上次见到之后走访了几次")]
    last_outcome: Annotated[VisitOutcome, Field(description="最近一次走访的结果")]
    last_visit_id: Annotated[UUID, Field(description="最近一次走访")]
    last_visited_at: Annotated[datetime, Field(description="最近一次走访的时间")]


class FollowUpCount(Wire):
    """How many households of one grid have to be seen again."""

    grid_id: UUID
    grid_name: Annotated[str, Field(description="网格名称")]
    absent: Annotated[int, Field(description="最近一次家中无人的户数")]
    refused: Annotated[int, Field(description="最近一次不配合的户数")]


class FollowUpCounts(Wire):
    """Only grids with something to follow up, in the order of the tree."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                            "grid_name": "青竹村第二网格",
                            "absent": 3,
                            "refused": 1,
                        }
                    ]
                }
            ]
        }
    )

    items: list[FollowUpCount]
