"""What is told of a care team, and how it reads with its history."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.access.permissions import Role
from api.foundation.fields import Input, ShortText, Wire
from api.protocols.policies import Lack
from api.quarantines.schemas import LARGEST_TEAM

_WORKERS = [f"01890a5d-ac96-774b-bcce-b302099a80{number}" for number in (31, 32, 33, 34)]


class Member(Input):
    """A worker who is to serve the person."""

    worker_id: Annotated[UUID, Field(description="包保人员")]


class TeamArrange(Input):
    """The whole team as it shall be; whoever stays keeps the seat."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"members": [{"worker_id": worker} for worker in _WORKERS]}]
        }
    )

    members: Annotated[
        list[Member], Field(min_length=1, max_length=LARGEST_TEAM, description="全体包保人员")
    ]
    reason: Annotated[ShortText | None, Field(description="调整的原因")] = None


class TeamReplace(Input):
    """One leaves and another takes over, at one moment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "out_worker_id": _WORKERS[0],
                    "in_worker_id": _WORKERS[1],
                    "reason": "原包保人员外出培训",
                }
            ]
        }
    )

    out_worker_id: Annotated[UUID, Field(description="退出的包保人员")]
    in_worker_id: Annotated[UUID, Field(description="接替的包保人员")]
    reason: Annotated[ShortText, Field(description="更换的原因")]


class SeatHistory(Wire):
    """A seat, open or ended."""

    id: UUID = Field(description="编号")
    worker_id: UUID = Field(description="包保人员")
    name: str = Field(description="姓名（任席时）")
    role: Role
    is_party_member: bool = Field(description="是否党员")
    began_at: datetime = Field(description="何时开始")
    ended_at: datetime | None = Field(description="何时结束；null 为现任")
    ended_by: UUID | None = Field(description="由谁结束")
    ended_reason: str | None = Field(description="结束的原因")


class ShortfallRead(Wire):
    """One thing that the team lacks."""

    kind: Lack = Field(description="缺什么")
    role: Role | None = Field(description="缺哪类人员；与职务无关时为 null")
    needed: int = Field(description="应有人数")
    have: int = Field(description="现有人数")
    detail: str = Field(description="中文说明")


class TeamRead(Wire):
    """The team of one quarantined person, what it lacks, and who served before."""

    quarantine_id: UUID = Field(description="所属隔离")
    complete: bool = Field(description="是否已按今天所在阶段的规则配齐")
    missing: list[ShortfallRead] = Field(description="按今天所在阶段的规则还缺什么，或多出几人")
    seats: list[SeatHistory] = Field(description="现任和历任，由新到旧")
