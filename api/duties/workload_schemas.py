"""Workload on the wire: how heavy duties weigh, and how much each worker bore."""

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.access.permissions import Role
from api.foundation.fields import Wire
from api.foundation.labels import Labelled
from api.protocols.schemas import PolicyRead, PolicyRecord


class WorkKind(Labelled):
    """A kind of work that has a weight."""

    reading = "reading", "测量体温"
    visit = "visit", "上门走访"
    call = "call", "问候电话"
    test = "test", "检测采样"
    alert = "alert", "异常响应"
    directive = "directive", "指令反馈"
    transfer = "transfer", "转运交接"
    site_check = "site_check", "住所核查"
    follow_up = "follow_up", "解除后随访"
    errand = "errand", "代办"
    release = "release", "解除审批"
    decision = "decision", "其他审批"
    arrival = "arrival", "返（来）乡核实"


Ratio = Annotated[float, Field(description="超过本村平均的多少倍为不均")]
LeastLoad = Annotated[float, Field(description="平均每日不足多少份工作量的，不作为不均")]
BeyondVillages = Annotated[
    bool,
    Field(
        strict=True,
        description="不属于任何村的（乡级、片区的）人员之间是否也比较；不设村的乡镇填 true",
    ),
]
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

_WEIGHTS = {kind.value: 1.0 for kind in WorkKind} | {"visit": 1.5, "transfer": 3.0}
_POLICY: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e11",
    "code": "workload",
    "name": "工作量折算",
    "legal_basis": "青竹乡防控指挥部〔2022〕5号",
    "effective_from": "2022-02-10",
    "weights": _WEIGHTS,
    "uneven_ratio": 1.5,
    "least_daily_load": 0.5,
    "beyond_villages": False,
}


class WorkloadPolicyRecord(PolicyRecord):
    """A new way to weigh duties, or the next revision of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POLICY]})

    weights: Annotated[
        dict[WorkKind, Weight], Field(description="每件任务折算为多少份工作量，逐类填写")
    ]
    uneven_ratio: Annotated[Ratio, Field(gt=1, le=10, multiple_of=0.1)]
    least_daily_load: Annotated[LeastLoad, Field(ge=0, le=100, multiple_of=0.1)] = 0.5
    beyond_villages: BeyondVillages = False

    @model_validator(mode="after")
    def _every_kind(self) -> Self:
        lacking = "、".join(kind.label for kind in WorkKind if kind not in self.weights)
        if lacking:
            raise PydanticCustomError(
                "weights", "各类任务都须填写，还差：{lacking}", {"lacking": lacking}
            )
        return self


class WorkloadPolicyRead(PolicyRead):
    """A revision of a way to weigh duties."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_POLICY, "revision": 1, "effective_to": None}]}
    )

    weights: Annotated[dict[WorkKind, float], Field(description="每件任务折算为多少份工作量")]
    uneven_ratio: Ratio
    least_daily_load: LeastLoad
    beyond_villages: BeyondVillages


class WorkPost(Wire):
    """A post that a worker held at the end of the period."""

    post_id: UUID
    role: Role
    grid_id: UUID
    grid_name: str


class WorkerLoad(Wire):
    """What one worker bore in one village. A duty that several share is shared out."""

    worker_id: UUID
    name: str
    posts: list[WorkPost] = Field(description="在本网格范围内的任职")
    load: float = Field(description="折算的工作量；几人共同承担的平分")
    uneven: bool = Field(
        description="是否不均：超过本村平均的规定倍数，且不少于规则规定的最低工作量"
    )
    persons: int = Field(description="服务的人数（人）")
    expected: int = Field(description="应办件次，含与他人共同承担的")
    done: int = Field(description="其中按时办理（不论由谁）")
    late: int = Field(description="其中逾时补办")
    missed: int = Field(description="其中逾时未办")
    performed: int = Field(description="其中由本人办理")


class TeamReplaceBody(Wire):
    """The body of `POST /v1/quarantines/{quarantine_id}/team/replace`."""

    out_worker_id: UUID
    in_worker_id: UUID
    reason: str


class Suggestion(Wire):
    """One seat that might be passed on; nothing happens until somebody does so."""

    path: str = Field(description="提交到哪里")
    body: TeamReplaceBody
    out_load: float = Field(description="调整后让出席位者的工作量")
    in_load: float = Field(description="调整后接替者的工作量")


class VillageLoad(Wire):
    """How work is shared out in one village."""

    grid_id: UUID
    grid_name: str
    load: float = Field(description="全部工作量")
    serving: int = Field(description="服务的人数，含没有承担任务的")
    mean: float = Field(description="人均工作量")
    compared: bool = Field(description="这些人员之间是否比较；不属于任何村的，按规则可不比较")
    uneven: int = Field(description="其中不均的人数")
    workers: list[WorkerLoad] | None = Field(
        description="逐人列出，工作量大的在前；所查范围不止一个村的，各村为 null，请逐村查看"
    )
    suggestion: Suggestion | None = Field(
        description=(
            "建议的一次调整，按现在的包保小组计算；没有不均、现已调匀、无法改善或无权安排"
            "包保人员时为 null"
        )
    )


class Workload(Wire):
    """How work was shared out from one local day to another."""

    since: date
    until: date
    policy: str = Field(description="折算规则的代码")
    revision: int = Field(description="折算规则的版次")
    villages: list[VillageLoad]
