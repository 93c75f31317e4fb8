"""Duties over HTTP: a post's own day, and how the duties of a grid stand."""

from typing import Annotated

from fastapi import Header, Response

from api.access.caller import enters
from api.duties import my_day
from api.duties.schemas import MyDay
from api.foundation.contract import room
from api.readings.batches import Desk
from api.readings.routes import AtDesk

router = room("duties")

OwnDesk = Annotated[Desk, enters(AtDesk)]
Known = Annotated[
    str | None,
    Header(alias="If-None-Match", max_length=100, description="上次回答的 ETag;没有变化则答 304"),
]


def _answer(body: bytes, tag: str, known: str | None) -> Response:
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


_UNCHANGED = {304: {"description": "与上次相同"}}


@router.get("/my-day", response_model=MyDay, responses={**_UNCHANGED})
async def read_my_day(desk: OwnDesk, known: Known = None) -> Response:
    """查看我的一天。

    本人任职现在要办和今天稍后要办的全部事项,按上门的顺序排列:先到期的户在前,一户的事项排在一起。
    每项写明做什么、何时之前办、向哪里提交(M5.1)。
    """
    return _answer(*await my_day.my_day(desk), known)
