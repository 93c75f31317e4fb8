"""A system's document: how it is asked and how its answers read, as configuration and not code."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from api.foundation.identity import DocumentKind
from api.health_codes.answers import Trouble
from api.health_codes.calls import Call, Clock, Part, Parts, Pointed, Rotation, Said, Signature
from api.health_codes.templates import SecretName, secrets_in, templates_in
from api.health_records.models import CodeState


class Case(Part):
    """What shows a state beside the code: an expired report, a pop-up; the worse one counts."""

    at: Pointed
    values: Annotated[list[Said], Field(min_length=1, max_length=20, description="为其中之一时")]
    unlike: Annotated[bool, Field(description="true为不是其中任何一个时")] = False
    state: Annotated[CodeState, Field(description="即为此状态；与码的状态不同时取重的")]


def _meant(value: Any) -> str:
    return "state" if isinstance(value, str) and value in CodeState.labels() else "trouble"


Meaning = Annotated[
    Annotated[CodeState, Tag("state")] | Annotated[Trouble, Tag("trouble")],
    Discriminator(_meant),
]


class Reading(Part):
    """Where in an answer the code stands, and what the other side's words for it mean."""

    success_at: Annotated[Pointed | None, Field(description="结果代码的位置；没有则不填")] = None
    success_values: Annotated[
        list[Said], Field(max_length=10, description="表示成功的结果代码", default_factory=list)
    ]
    errors: Annotated[
        dict[Said, Meaning],
        Field(max_length=100, description="其他结果代码的含义", default_factory=dict),
    ]
    statuses: Annotated[
        dict[Annotated[str, Field(pattern=r"^[345][0-9]{2}$")], Meaning],
        Field(
            max_length=20,
            description="以HTTP状态码作答的含义，如404为查无此人；未列的按通常含义",
            default_factory=dict,
        ),
    ]
    cases: Annotated[
        list[Case], Field(max_length=20, description="码以外的各种情形", default_factory=list)
    ]
    state_at: Annotated[Pointed, Field(description="码状态的位置；有多个的取最重的")]
    states: Annotated[
        dict[Said, CodeState],
        Field(min_length=1, max_length=100, description="对方的码对应的状态；未列的不作绿码"),
    ]
    changed_at: Annotated[Pointed | None, Field(description="状态更新时间的位置")] = None
    valid_until: Annotated[Pointed | None, Field(description="状态有效至何时的位置")] = None
    extra: Annotated[
        dict[SecretName, Pointed],
        Field(max_length=20, description="另外要留意的各项及其位置", default_factory=dict),
    ]

    @model_validator(mode="after")
    def _no_error_is_green(self) -> Self:
        special = {*self.errors.values(), *self.statuses.values()}
        if CodeState.green in special | {case.state for case in self.cases}:
            raise PydanticCustomError("reading", "出错或特殊情形不能作为绿码")
        return self


Seconds = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]


class Limits(Part):
    """How patient, how often, how many at once, and when to leave the system alone."""

    connect_seconds: Annotated[Seconds, Field(description="连接时限，秒")] = 1.0
    answer_seconds: Annotated[Seconds, Field(description="一次请求的时限，秒")] = 3.0
    attempts: Annotated[int, Field(ge=1, le=5, description="最多请求几次")] = 2
    pause_seconds: Annotated[
        Seconds, Field(description="再次请求前最多等多久，秒；实际等待随机，每次加倍")
    ] = 0.2
    per_second: Annotated[
        float, Field(gt=0, le=1000, allow_inf_nan=False, description="每秒最多请求几次，按进程计")
    ] = 20.0
    at_once: Annotated[int, Field(ge=1, le=200, description="同时最多几个请求，按进程计")] = 8
    waiting: Annotated[int, Field(ge=0, le=10_000, description="最多几个查询排队")] = 100
    failures: Annotated[int, Field(ge=1, le=1000, description="连续失败几次即暂停")] = 5
    open_seconds: Annotated[
        float, Field(ge=0.1, le=3600, allow_inf_nan=False, description="暂停多久后试一次，秒")
    ] = 30.0


EXAMPLE: dict[str, Any] = {
    "document_kinds": {"resident_identity": "10", "passport": "20"},
    "call": {
        "path": "/health/code",
        "fields": {
            "appId": "{secret.app_id}",
            "timestamp": "{timestamp}",
            "certificate_id": "{document_number}",
            "certificate_type": "{document_kind}",
        },
    },
    "signature": {
        "over": {"kind": "sorted", "then": "&key={secret.app_secret}"},
        "algorithm": "sha256",
        "encoding": "upper_hex",
    },
    "reading": {
        "success_at": "code",
        "success_values": ["0"],
        "errors": {"40101": "signature_refused", "40400": "not_found"},
        "state_at": "data.colour",
        "states": {"00": "green", "01": "yellow", "10": "red"},
    },
}


class SystemDocument(Part):
    """All that is needed to ask one health-code system, except where it is and its secrets."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    document_kinds: Annotated[
        dict[DocumentKind, Said],
        Field(min_length=1, description="能查询的证件类别，及对方的代码"),
    ]
    clock: Annotated[Clock, Field(description="时间", default_factory=Clock)]
    call: Annotated[Call, Field(description="查询请求")]
    signature: Annotated[Signature | None, Field(description="签名；没有则不填")] = None
    rotation: Annotated[Rotation | None, Field(description="定期更换的密钥；没有则不填")] = None
    reading: Annotated[Reading, Field(description="如何读答复")]
    limits: Annotated[Limits, Field(description="限制", default_factory=Limits)]
    validity_minutes: Annotated[
        int, Field(ge=0, le=10_080, description="答复多少分钟内不再重查；0为每次都查")
    ] = 10

    def secrets_needed(self) -> list[str]:
        """The names of the secrets that an administrator must enter."""
        named = {*_secrets_of(self.call, self.signature)}
        if self.rotation is not None:
            named -= {self.rotation.secret}
            named |= {*_secrets_of(self.rotation.call, self.rotation.signature)}
        return sorted(named)


def _secrets_of(call: Call, signature: Signature | None) -> Iterator[str]:
    texts = [*templates_in(call.fields), *call.headers.values()]
    if signature is not None:
        over = signature.over
        texts += over.parts if isinstance(over, Parts) else [*over.unsent.values(), over.then]
        if signature.secret is not None:
            yield signature.secret
    for text in texts:
        yield from secrets_in(text)


def system_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a system's document, for whoever writes one."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **SystemDocument.model_json_schema()}
