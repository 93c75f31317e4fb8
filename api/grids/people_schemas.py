"""What is told of workers and their posts, and what is shown: phones masked."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.access.permissions import Role
from api.foundation.batches import EACH_ALONE
from api.foundation.fields import (
    Input,
    Instant,
    LongText,
    MaskedPhone,
    Name,
    Phone,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)

MOST_AT_ONCE = 500

_WORKER = "01890a5d-ac96-774b-bcce-b302099a8101"
_SUCCESSOR = "01890a5d-ac96-774b-bcce-b302099a8102"
_GRID = "01890a5d-ac96-774b-bcce-b302099a8001"
_POST = "01890a5d-ac96-774b-bcce-b302099a8201"
_REGISTERED: dict[str, Any] = {
    "id": _WORKER,
    "name": "黄秀英",
    "phone": "13800005678",
    "is_party_member": True,
    "grid_id": _GRID,
}
_APPOINTED: dict[str, Any] = {
    "id": _POST,
    "worker_id": _WORKER,
    "grid_id": _GRID,
    "role": "grid_worker",
    "title": "四级网格员",
}

Reason = Annotated[LongText, Field(description="原因", examples=["工作调动"])]
Title = Annotated[ShortText | None, Field(description="职务名称，如 三级网格长")]


class WorkerRegister(Input):
    """Somebody who serves in the net, registered at a grid."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REGISTERED]})

    id: RecordId
    name: Annotated[Name, Field(description="姓名")]
    phone: Phone | None = None
    is_party_member: Annotated[bool, Field(strict=True, description="是否党员")] = False
    grid_id: Annotated[RecordId, Field(description="登记在哪个网格")]
    resident_id: Annotated[
        RecordId | None, Field(description="如为本地居民（例如户代表），其居民编号")
    ] = None


class WorkerRegisterBatch(Input):
    """Workers registered in one call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_REGISTERED]}]})

    items: Annotated[
        list[Annotated[WorkerRegister, EACH_ALONE]],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="人员"),
    ]


class WorkerCorrect(Input):
    """What is to be put right; only the members that are sent are changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "13900001234"}]})

    name: Annotated[Name, Field(description="姓名", default_factory=unsaid)]
    phone: Annotated[Phone | None, Field(description="电话；null 为删除")] = None
    is_party_member: Annotated[
        bool, Field(strict=True, description="是否党员", default_factory=unsaid)
    ]
    grid_id: Annotated[RecordId, Field(description="改为登记在哪个网格", default_factory=unsaid)]
    resident_id: Annotated[RecordId | None, Field(description="居民编号；null 为删除")] = None
    left_at: Annotated[
        Instant | None, Field(description="离任时间（须已无任职）；null 为更正为没有离任")
    ] = None
    reason: Annotated[ShortText | None, Field(description="更正的原因")] = None


class WorkerRead(Wire):
    """Somebody who serves in the net."""

    id: UUID
    version: int
    name: str
    phone: MaskedPhone | None
    is_party_member: bool = Field(description="是否党员")
    grid_id: UUID = Field(description="登记在哪个网格")
    resident_id: UUID | None
    left_at: Instant | None = Field(description="离任时间")


class PostRead(Wire):
    """A person's duty at a grid."""

    id: UUID
    version: int
    worker_id: UUID
    worker_name: str = Field(description="任职人姓名")
    grid_id: UUID
    household_id: UUID | None = Field(description="户代表所代表的户")
    role: Role
    title: str | None = Field(description="职务名称")
    began_at: Instant = Field(description="任职开始")
    ended_at: Instant | None = Field(description="任职结束；null 为在任")
    ended_reason: str | None


class WorkerWithPosts(WorkerRead):
    """A worker, and the posts within reach that they hold or held."""

    posts: list[PostRead] = Field(description="任职，现任在前")


class PostAppoint(Input):
    """Who is to do what, where."""

    model_config = ConfigDict(json_schema_extra={"examples": [_APPOINTED]})

    id: RecordId
    worker_id: Annotated[RecordId, Field(description="任职人")]
    grid_id: Annotated[RecordId, Field(description="任职网格")]
    role: Annotated[Role, Field(description="职务")]
    title: Title = None
    household_id: Annotated[
        RecordId | None, Field(description="所代表的户（仅户代表填写，且必填）")
    ] = None
    began_at: Annotated[Instant | None, Field(description="任职开始；不填则为现在")] = None


class PostAppointBatch(Input):
    """Appointments made in one call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_APPOINTED]}]})

    items: Annotated[
        list[Annotated[PostAppoint, EACH_ALONE]],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="任命"),
    ]


class PostEnd(Input):
    """Why a post ends."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "工作调动"}]})

    reason: Reason


class PostHandOver(Input):
    """Who takes over a post with its open duties."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"successor_worker_id": _SUCCESSOR, "new_post_id": _POST, "reason": "工作调动"}
            ]
        }
    )

    successor_worker_id: Annotated[RecordId, Field(description="接任人")]
    new_post_id: Annotated[RecordId, Field(description="接任人新任职的编号")]
    reason: Reason


class HandoverDone(Wire):
    """A post ended, its successor's, and the duties that went from one to the other."""

    ended: PostRead
    successor: PostRead = Field(description="接任人的任职（已有同样任职的，沿用）")
    passed_on: dict[str, int] = Field(
        description="移交的责任数，按种类；重复提交时为空",
        examples=[{"bonds": 42, "care_seats": 1}],
    )
