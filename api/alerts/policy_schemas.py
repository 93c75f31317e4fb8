"""Alert policies on the wire: whom an alert is told, one step after another, and for how long."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.access.permissions import Role
from api.alerts.models import Cause
from api.foundation.fields import Input
from api.grids.models import GridKind
from api.protocols.schemas import PolicyRead, PolicyRecord

_NIGHT_AND_DAY: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e03",
    "code": "urgent",
    "name": "紧急异常逐级上报",
    "legal_basis": "青竹乡防控指挥部〔2022〕5号",
    "effective_from": "2022-02-10",
    "causes": ["fever", "symptom", "positive_test", "red_code", "breach"],
    "steps": [
        {"grid_kind": "village", "roles": ["grid_leader"], "minutes": 15},
        {"grid_kind": "township", "roles": ["grid_leader", "grid_worker"], "minutes": 30},
        {"grid_kind": "township", "roles": ["medic"], "minutes": 75},
    ],
    "grace_minutes": 0,
}
_IN_FORCE = {"revision": 2, "effective_to": None}

Causes = Annotated[
    list[Cause],
    Field(min_length=1, max_length=len(Cause), description="适用于这些异常"),
]
Grace = Annotated[
    int,
    Field(ge=0, le=1440, description="漏测、人员不齐等在到期多少分钟后才算异常"),
]


class AlertStep(Input):
    """One step: who is told, and how long they have until it climbs."""

    grid_kind: Annotated[GridKind, Field(description="发生地或其上级中，这一类的最近网格")]
    roles: Annotated[
        list[Role], Field(min_length=1, max_length=len(Role), description="该网格中的这些人员")
    ]
    minutes: Annotated[
        int, Field(ge=1, le=1440, description="多少分钟内无人响应即上报下一步", examples=[15])
    ]


class AlertPolicyRecord(PolicyRecord):
    """A new alert policy, or the next revision of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NIGHT_AND_DAY]})

    causes: Causes
    steps: Annotated[
        list[AlertStep], Field(min_length=1, max_length=6, description="逐级上报的各步，自下而上")
    ]
    grace_minutes: Grace


class AlertPolicyRead(PolicyRead):
    """A revision of an alert policy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_NIGHT_AND_DAY, **_IN_FORCE}]})

    causes: Causes
    steps: Annotated[list[AlertStep], Field(description="逐级上报的各步，自下而上")]
    grace_minutes: Grace
