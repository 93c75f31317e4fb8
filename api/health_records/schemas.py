"""Tests and their results on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.corrections import Replaced
from api.foundation.fields import Input, Instant, LongText, RecordId, ShortText, Wire, unsaid
from api.foundation.labels import Labelled
from api.foundation.records import Source
from api.health_records.models import MOST_SAMPLES, DiagnosticOutcome
from api.health_records.people import AboutAResident
from api.protocols.models import DiagnosticKind

LARGEST_BATCH = 500

Kind = Annotated[DiagnosticKind, Field(description="检测方式")]
Result = Annotated[DiagnosticOutcome, Field(description="结果；未出结果的填 pending")]
SampledAt = Annotated[Instant, Field(description="采样时间")]
ReportedAt = Annotated[
    Instant | None, Field(description="出结果的时间；不填则为现在，未出结果的不填")
]
Samples = Annotated[
    int, Field(ge=1, le=MOST_SAMPLES, description="采样份数；双采双检为2", examples=[1])
]
Laboratory = Annotated[ShortText, Field(examples=["县疾控中心"])]
Why = Annotated[LongText, Field(description="理由，留存备查", examples=["录入时看错一行"])]

_TEST: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
    "kind": "nucleic_acid",
    "outcome": "negative",
    "sampled_at": "2022-02-15T08:30:00+08:00",
    "reported_at": "2022-02-15T20:10:00+08:00",
    "samples": 1,
    "laboratory": "县疾控中心",
}


class SamplingWarning(Labelled):
    """What had better be known of a sample; it is kept all the same."""

    soon_after_dose = "soon_after_dose", "接种疫苗后不久采样"


class DiagnosticTestRecord(AboutAResident):
    """One sample of one resident; its result may come with it or later."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TEST]})

    kind: Kind
    outcome: Result = DiagnosticOutcome.pending
    sampled_at: SampledAt
    reported_at: ReportedAt = None
    samples: Samples = 1
    laboratory: Annotated[Laboratory | None, Field(description="检测机构")] = None


class DiagnosticTestBatch(Input):
    """The samples of a morning at the site: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_TEST]}]})

    items: Annotated[
        list[Annotated[DiagnosticTestRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


class DiagnosticTestCorrect(Input):
    """The result that came later, or what was wrong: only the members that change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "negative", "reported_at": "2022-02-15T20:10:00+08:00"}]
        }
    )

    kind: Annotated[Kind, Field(default_factory=unsaid)]
    outcome: Annotated[Result, Field(default_factory=unsaid)]
    sampled_at: Annotated[SampledAt, Field(default_factory=unsaid)]
    reported_at: Annotated[Instant, Field(description="出结果的时间", default_factory=unsaid)]
    samples: Annotated[Samples, Field(default_factory=unsaid)]
    laboratory: Annotated[Laboratory | None, Field(description="检测机构；null 为删除")] = None
    performed_by: Annotated[RecordId, Field(description="实际采样的人", default_factory=unsaid)]
    reason: Annotated[
        Why | None, Field(description="理由，留存备查；补报结果的可不填，更正的必填")
    ] = None


class DiagnosticTestDiscard(Input):
    """Why a test is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "登记到了别人名下"}]})

    reason: Why


class DiagnosticTestRead(Wire):
    """A test as it is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_TEST,
                    "version": 2,
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "sampled_at": "2022-02-15T00:30:00Z",
                    "reported_at": "2022-02-15T12:10:00Z",
                    "tube_id": None,
                    "pooled": False,
                    "warnings": [],
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
    version: int = Field(description="版本号，更正时填入 If-Match")
    resident_id: UUID = Field(description="受检的居民")
    grid_id: UUID = Field(description="所在网格")
    quarantine_id: UUID | None = Field(description="采样当日所处的隔离；没有则为 null")
    kind: DiagnosticKind
    outcome: DiagnosticOutcome
    sampled_at: datetime = Field(description="采样时间")
    reported_at: datetime | None = Field(description="出结果的时间；未出结果的为 null")
    samples: int = Field(description="采样份数")
    laboratory: str | None = Field(description="检测机构")
    tube_id: UUID | None = Field(description="所在的采样管；没有的为 null")
    pooled: bool = Field(description="是否与他人混采；混采的不是阴性时须单采复核")
    warnings: list[SamplingWarning] = Field(description="须留意的情况，不影响登记")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际采样的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source
    discarded_at: datetime | None = Field(description="作废时间；有效的为 null")


class DiagnosticTestRevision(Replaced, Wire):
    """What was said of a test before a correction."""

    test: DiagnosticTestRead = Field(description="更正前的内容")


class DiagnosticTestHistory(Wire):
    """Every former version, oldest first."""

    items: list[DiagnosticTestRevision]
