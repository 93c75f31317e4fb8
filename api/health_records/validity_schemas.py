"""Validity policies, and what holds of a person, on the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Input, Wire
from api.foundation.labels import Labelled
from api.health_records.models import CardColour, CodeState, VaccineTechnology
from api.health_records.validity import VaccinationStatus
from api.health_records.validity_models import ValidityAnchor
from api.protocols.models import DiagnosticKind
from api.protocols.schemas import PolicyRead, PolicyRecord

_HOURS: dict[str, Any] = {"ge": 1, "le": 720}

_POLICY: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e05",
    "code": "health_proofs",
    "name": "健康证明的有效期",
    "legal_basis": "县防控指挥部〔2022〕9号",
    "effective_from": "2022-03-20",
    "negative_test_hours": 48,
    "negative_antigen_hours": None,
    "validity_anchor": "sampled",
    "code_state_hours": 24,
    "travel_card": {"window_days": 14, "hours": 24, "marks_risk": True},
    "courses": {
        "inactivated": {"full": 2, "boosted": 3},
        "adenovirus_vector": {"full": 1, "boosted": 2},
        "recombinant_protein": {"full": 3, "boosted": 4},
        "mrna": {"full": 2, "boosted": 3},
        "other": {"full": 2, "boosted": 3},
    },
    "no_sampling_hours": 48,
    "retest_hours": 24,
}


class CardTerms(Input):
    """What a travel card must show to be relied on."""

    window_days: Annotated[int, Field(ge=1, le=28, description="须显示前几天的到访地")]
    hours: Annotated[int, Field(**_HOURS, description="自卡上更新时间起几小时内有效")]
    marks_risk: Annotated[bool, Field(description="卡上是否以星号标注有风险地区的城市")]


class DoseTerms(Input):
    """With how many doses somebody is fully vaccinated, and with how many boosted."""

    full: Annotated[int, Field(ge=1, le=9, description="全程接种的剂次数")]
    boosted: Annotated[int, Field(ge=1, le=10, description="加强接种后的剂次数")]


class ValidityPolicyRecord(PolicyRecord):
    """A new validity policy, or the next revision of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POLICY]})

    negative_test_hours: Annotated[
        int, Field(**_HOURS, description="核酸阴性几小时内有效，如24、48、72、168")
    ]
    negative_antigen_hours: Annotated[
        int | None, Field(**_HOURS, description="抗原阴性几小时内有效；不填则抗原阴性不作为凭据")
    ] = None
    validity_anchor: Annotated[ValidityAnchor, Field(description="检测有效期自何时起算")]
    code_state_hours: Annotated[int, Field(**_HOURS, description="健康码自查得起几小时内有效")]
    travel_card: Annotated[
        CardTerms | None, Field(description="行程卡的要求；不填则不再查验行程卡")
    ] = None
    courses: Annotated[
        dict[VaccineTechnology, DoseTerms],
        Field(
            max_length=len(VaccineTechnology),
            description="各类疫苗的全程和加强剂次，按首剂疫苗的种类适用；每一类都须写明",
        ),
    ]
    no_sampling_hours: Annotated[
        int, Field(ge=0, le=336, description="接种后几小时内不宜采样，只作提醒；0为不提醒")
    ]
    retest_hours: Annotated[
        int, Field(ge=1, le=168, description="须单采复核的，出结果后几小时内采样")
    ]


class ValidityPolicyRead(PolicyRead):
    """A revision of a validity policy."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_POLICY, "revision": 5, "effective_to": None}]}
    )

    negative_test_hours: int = Field(description="核酸阴性几小时内有效")
    negative_antigen_hours: int | None = Field(
        description="抗原阴性几小时内有效；null 为不作为凭据"
    )
    validity_anchor: ValidityAnchor = Field(description="检测有效期自何时起算")
    code_state_hours: int = Field(description="健康码自查得起几小时内有效")
    travel_card: CardTerms | None = Field(description="行程卡的要求；null 为不再查验行程卡")
    courses: dict[VaccineTechnology, DoseTerms] = Field(description="各类疫苗的全程和加强剂次")
    no_sampling_hours: int = Field(description="接种后几小时内不宜采样")
    retest_hours: int = Field(description="须单采复核的，出结果后几小时内采样")


class RetestReason(Labelled):
    """Why somebody owes a sample of their own."""

    pool = "pool", "所在混采管不是阴性"
    antigen = "antigen", "抗原阳性，须核酸确认"


class VerdictRead(Wire):
    """A record, whether it holds, until when, and by which clause."""

    record_id: UUID = Field(description="所依据的记录")
    holds: bool = Field(description="所问的时间是否有效")
    valid_until: datetime | None = Field(description="有效期至；null 为不能作为凭据")
    clause: str = Field(description="依据的条款", examples=["核酸检测阴性自采样时间起48小时内有效"])


class CodeVerdictRead(VerdictRead):
    """What one system says of somebody's code."""

    system: str = Field(description="健康码系统的代码；manual 为工作人员当面查看")
    state: CodeState
    changed_at: datetime = Field(description="自何时起为该状态")
    fetched_at: datetime = Field(description="查得或看到的时间")


class CardVerdictRead(VerdictRead):
    """What the travel card seen last shows."""

    colour: CardColour
    updated_at: datetime = Field(description="卡上的更新时间")
    window_days: int = Field(description="卡上显示的是前几天的到访地")
    at_risk: bool = Field(description="卡上是否显示风险：不是绿色，或有标注的城市")


class NegativeTestRead(VerdictRead):
    """The negative test that holds longest."""

    kind: DiagnosticKind
    sampled_at: datetime = Field(description="采样时间")
    reported_at: datetime = Field(description="出结果的时间")


class VaccinationStanding(Wire):
    """How far somebody is vaccinated."""

    status: VaccinationStatus
    doses: int = Field(description="已接种到第几剂")
    last_on: date | None = Field(description="最近一剂的日期；没有接种的为 null")
    no_sampling_until: datetime | None = Field(
        description="最近一剂后，在此之前不宜采样；没有接种或不作提醒的为 null"
    )
    clause: str = Field(description="依据的条款")


class OwedRetest(Wire):
    """A sample that somebody owes on their own."""

    test_id: UUID = Field(description="由哪条检测引起")
    because: RetestReason
    since_at: datetime = Field(description="自何时起须采样")
    due_at: datetime = Field(description="何时之前采样")


_CODE: dict[str, Any] = {
    "record_id": "01890a5d-ac96-774b-bcce-b302099a8061",
    "holds": True,
    "valid_until": "2022-02-16T00:30:00Z",
    "clause": "健康码自查得起24小时内有效（《健康证明的有效期》第1版）",
    "system": "manual",
    "state": "green",
    "changed_at": "2022-02-15T00:30:00Z",
    "fetched_at": "2022-02-15T00:30:00Z",
}


class StandingRead(Wire):
    """What holds of a person's health at an instant, by the policy in force on that day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                    "at": "2022-02-15T01:00:00Z",
                    "code": _CODE,
                    "codes": [_CODE],
                    "travel_card": None,
                    "negative_test": None,
                    "vaccination": {
                        "status": "full",
                        "doses": 2,
                        "last_on": "2021-09-01",
                        "no_sampling_until": "2021-09-03T16:00:00Z",
                        "clause": "全程和加强的剂次按首剂疫苗的种类确定",
                    },
                    "owed": [],
                }
            ]
        }
    )

    resident_id: UUID
    at: datetime = Field(description="所问的时间")
    code: CodeVerdictRead | None = Field(
        description="以此为准的健康码：有效的中最严的；都已失效的，取最近变化的；没有的为 null"
    )
    codes: list[CodeVerdictRead] = Field(description="各系统的现状")
    travel_card: CardVerdictRead | None = Field(description="最近的行程卡；没有的为 null")
    negative_test: NegativeTestRead | None = Field(
        description="有效期最长的阴性检测；没有阴性的为 null"
    )
    vaccination: VaccinationStanding
    owed: list[OwedRetest] = Field(description="尚须单采复核的")
