"""What every record made in the field says of itself: when, by whom, and how it is known."""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from api.foundation import clock
from api.foundation.fields import Input, Instant, RecordId
from api.foundation.problems import InvalidInput, Problem
from api.foundation.records import Source

CLOCK_SKEW = timedelta(seconds=300)
"""How far a phone's clock may run ahead; within it the time is kept as it was told."""

EARLIEST = datetime(2015, 1, 1, tzinfo=clock.TOWNSHIP_ZONE)
"""Nothing that is recorded here was done before."""


class RecordedInTheFuture(Problem):
    """Something is said to have been done later than now, by more than a phone's clock may err."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "时间晚于现在"
    detail: ClassVar[str] = "填写的时间晚于现在，请检查手机的时间后重新提交。"


class FromTheField(Input):
    """The part that all records made by a phone share; only the id must be told (M5.6)."""

    id: RecordId
    recorded_at: Annotated[
        Instant | None, Field(description="手机上记下的时间；不填则为服务收到的时间")
    ] = None
    performed_by: Annotated[
        RecordId | None, Field(description="实际办理的人；不填则为登录人本人（代为录入时填写）")
    ] = None
    source: Annotated[Source | None, Field(description="信息从何而来；不填则按办理方式")] = None


def fill_in(
    said: FromTheField,
    *,
    entered_by: UUID,
    source: Source,
    instants: tuple[str, ...] = (),
    within: str = "/body",
) -> dict[str, Any]:
    """The fields of a new `Recorded` row that do not depend on its room.

    `source` is meant where none was told; `instants` names the further times of the record.
    Raises `RecordedInTheFuture` or `InvalidInput` with a pointer below `within`.
    """
    for name in ("recorded_at", *instants):
        told: datetime | None = getattr(said, name)
        if told is not None:
            refuse_the_future(told, pointer=f"{within}/{name}")
    received_at = clock.now()
    return {
        "id": said.id,
        "version": 1,
        "recorded_at": said.recorded_at or received_at,
        "received_at": received_at,
        "performed_by": said.performed_by or entered_by,
        "entered_by": entered_by,
        "source": said.source or source,
        "discarded_at": None,
    }


def refuse_the_future(told: datetime, *, pointer: str) -> None:
    """Raise `RecordedInTheFuture` where `told` lies beyond what a phone's clock may err.

    A phone whose battery was dead begins again in 1970 or with its year of make, and what it tells
    would be the oldest of all: raises `InvalidInput` where it is older than anything recorded.
    """
    if told < EARLIEST:
        detail = "填写的时间早于2015年，请检查手机的时间后重新提交。"
        raise InvalidInput(detail, pointer=pointer)
    if told > clock.now() + CLOCK_SKEW:
        raise RecordedInTheFuture(pointer=pointer)
