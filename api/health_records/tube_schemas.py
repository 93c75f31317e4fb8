"""Sample tubes and what is said of them on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.corrections import Replaced
from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, RecordId, Wire, unsaid
from api.foundation.records import Source
from api.health_records.models import DiagnosticOutcome, SwabType
from api.health_records.schemas import LARGEST_BATCH, Kind, Laboratory, Result, SampledAt, Why
from api.protocols.models import DiagnosticKind

MOST_MEMBERS = 20

TubeCode = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$",
        description="管上的编号；同一检测机构、同一天不能重复",
        examples=["QZ0215-0031"],
    ),
]
PoolSize = Annotated[
    Literal[1, 5, 10, 20], Field(description="几人一管：单采为1，混采为5、10或20", examples=[10])
]

_TUBE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8070",
    "code": "QZ0215-0031",
    "pool_size": 10,
    "swab_type": "oropharyngeal",
    "kind": "nucleic_acid",
    "laboratory": "县疾控中心",
    "sampled_at": "2022-02-15T08:30:00+08:00",
    "members": [
        {
            "id": "01890a5d-ac96-774b-bcce-b302099a8071",
            "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
        },
        {
            "id": "01890a5d-ac96-774b-bcce-b302099a8072",
            "resident_id": "01890a5d-ac96-774b-bcce-b302099a8051",
        },
    ],
}


class TubeMember(Input):
    """Somebody whose sample goes into a tube; the id is that of their test."""

    id: Annotated[RecordId, Field(description="这条检测的编号，由手机生成")]
    resident_id: Annotated[RecordId, Field(description="受检的居民")]


class TubeTold(FromTheField):
    """What is told of a tube as it is closed, whoever is in it."""

    code: TubeCode
    pool_size: PoolSize
    swab_type: SwabType = SwabType.oropharyngeal
    kind: Kind = DiagnosticKind.nucleic_acid
    laboratory: Annotated[Laboratory | None, Field(description="检测机构")] = None
    sampled_at: SampledAt


class SampleTubeRecord(TubeTold):
    """A tube as it is closed at the site, with everybody whose sample is in it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TUBE]})

    site_session_id: Annotated[
        RecordId | None, Field(description="在采样点采样的，该场次的编号")
    ] = None
    members: Annotated[
        list[TubeMember],
        Field(min_length=1, max_length=MOST_MEMBERS, description="管内各人，不多于几人一管"),
    ]


class SampleTubeBatch(Input):
    """The tubes of a morning at a site, each with everybody in it and with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_TUBE]}]})

    items: Annotated[
        list[Annotated[SampleTubeRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐管登记，互不影响"),
    ]


class SampleTubeCorrect(Input):
    """The result of a tube, or what was wrong of it: only the members that change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "positive", "reported_at": "2022-02-15T20:10:00+08:00"}]
        }
    )

    outcome: Annotated[Result, Field(default_factory=unsaid)]
    reported_at: Annotated[Instant, Field(description="出结果的时间", default_factory=unsaid)]
    laboratory: Annotated[Laboratory | None, Field(description="检测机构；null 为删除")] = None
    reason: Annotated[
        Why | None, Field(description="理由，留存备查；补报结果的可不填，更正的必填")
    ] = None


class TubeMemberRead(Wire):
    """Somebody whose sample is in a tube, and what its result says of them."""

    test_id: UUID
    resident_id: UUID
    name: str = Field(description="居民姓名")
    outcome: DiagnosticOutcome
    discarded_at: datetime | None


class SampleTubeListed(Wire):
    """A tube as it is kept."""

    id: UUID
    version: int = Field(description="版本号，填报结果、更正时填入 If-Match")
    grid_id: UUID = Field(description="管内各人所在的网格；不在一个网格的，为其共同的上级网格")
    code: TubeCode
    pool_size: int = Field(description="几人一管")
    member_count: int = Field(description="管内人数")
    swab_type: SwabType
    kind: DiagnosticKind
    site_session_id: UUID | None = Field(description="采样场次；没有的为 null")
    laboratory: str | None = Field(description="检测机构")
    sampled_at: datetime = Field(description="采样时间")
    outcome: DiagnosticOutcome
    reported_at: datetime | None = Field(description="出结果的时间；未出结果的为 null")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
    source: Source
    discarded_at: datetime | None


_LISTED: dict[str, Any] = {
    **{name: told for name, told in _TUBE.items() if name != "members"},
    "version": 2,
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "member_count": 2,
    "site_session_id": None,
    "sampled_at": "2022-02-15T00:30:00Z",
    "outcome": "positive",
    "reported_at": "2022-02-15T12:10:00Z",
    "recorded_at": "2022-02-15T00:31:00Z",
    "received_at": "2022-02-15T03:10:00Z",
    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8003",
    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8004",
    "source": "visit",
    "discarded_at": None,
}


class SampleTubeRead(SampleTubeListed):
    """A tube with everybody whose sample is in it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_LISTED,
                    "members": [
                        {
                            "test_id": "01890a5d-ac96-774b-bcce-b302099a8071",
                            "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                            "name": "黄秀英",
                            "outcome": "inconclusive",
                            "discarded_at": None,
                        },
                        {
                            "test_id": "01890a5d-ac96-774b-bcce-b302099a8072",
                            "resident_id": "01890a5d-ac96-774b-bcce-b302099a8051",
                            "name": "黄建国",
                            "outcome": "inconclusive",
                            "discarded_at": None,
                        },
                    ],
                }
            ]
        }
    )

    members: list[TubeMemberRead] = Field(description="管内各人；混采不是阴性的，各人须单采复核")


class SampleTubeRevision(Replaced, Wire):
    """What was said of a tube before a correction."""

    tube: SampleTubeListed = Field(description="更正前的内容")


class SampleTubeHistory(Wire):
    """Every former version, oldest first."""

    items: list[SampleTubeRevision]
