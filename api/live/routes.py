"""Events over HTTP: a stream (server-sent events), and a poll for whoever cannot keep one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.access.caller import SignedIn
from api.foundation.contract import room
from api.foundation.problems import InvalidInput
from api.live import service
from api.live.marks import LONGEST, Mark
from api.live.schemas import EventsPage
from api.live.service import Ground, Stream

router = room("live")

After = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        pattern="^[0-9:,~]*$",
        description="上次收到的事件 id（或 next）；不填则从现在开始",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=LONGEST,
        description="断线重连时由客户端自动带上，即最后收到的事件 id；优先于 after",
    ),
]


async def _ground(request: Request, caller: SignedIn) -> Ground:
    return Ground(request.app.state.hub, request.app.state.database, caller)


Here = Annotated[Ground, Depends(_ground)]


def _mark(said: str | None, pointer: str) -> Mark | None:
    if said is None:
        return None
    try:
        return Mark.parse(said)
    except ValueError:
        raise InvalidInput("不是本服务给出的事件 id，请不带它重新开始。", pointer=pointer) from None


async def _stream(
    ground: Here, after: After = None, last_event_id: LastEventId = None
) -> AsyncGenerator[Stream]:
    came = _mark(last_event_id or None, "/header/last-event-id") or _mark(after, "/query/after")
    async with service.listening(ground, came) as stream:
        yield stream


class EventStream(StreamingResponse):
    """FastAPI's own passes each event from task to task: that cost more than all else together.

    Whoever stops reading and stays on the line is cut off when their time is over.
    """

    media_type = "text/event-stream"

    at_most: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.at_most):
                await super().__call__(scope, receive, send)


_TO_END_SECONDS = 15
_AS_IT_HAPPENS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No cache and no proxy on the way may gather events first."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "事件流，直到连接断开、任职变动或到时",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string", "description": "data 为 EventRead"},
                "example": (
                    "event: alert.opened\n"
                    'data: {"event_id":887,"kind":"alert.opened","at":"2022-02-15T00:31:00Z",'
                    '"subject_id":"01890a5d-ac96-774b-bcce-b302099a8057",'
                    '"grid_id":"01890a5d-ac96-774b-bcce-b302099a8001","quarantine_id":null}\n'
                    "id: 1042:1050:1043,1045\n\n"
                ),
            }
        },
    }
}


@router.get("/events", response_class=EventStream, responses=_STREAM)
async def stream_events(
    stream: Annotated[Stream, Depends(_stream)],
    seconds: Annotated[
        int, Query(ge=0, le=3600, description="最长保持多少秒，到时正常结束，客户端再连即可")
    ] = 3600,
) -> EventStream:
    """持续接收事件（SSE）。

    凡本人网格范围内、本人在包保小组中的或与本人有关的异常、待办、指令有变化，提交后即推送；只含编
    号，内容按编号另行读取。`event` 为事件种类，`data` 为事件，`id` 用于断线续传：重连时带
    Last-Event-ID，断线期间的事件补发，不会遗漏，偶有重复，按 event_id 忽略。

    `resync`：此前的事件已不全（断线超过 7 天等），请重新读取全部数据。`posting-changed`：任职、网格
    或登录状态已变动，随后连接结束，请刷新登录后重连。每 15 秒有一行注释保持连接。
    """
    answer = EventStream(stream.told(seconds), headers=_AS_IT_HAPPENS)
    answer.at_most = seconds + _TO_END_SECONDS
    return answer


@router.get("/events/poll", response_model=EventsPage)
async def poll_events(
    ground: Here,
    after: After = None,
    wait: Annotated[int, Query(ge=0, le=25, description="没有新事件时最多等待多少秒")] = 0,
) -> EventsPage:
    """取新的事件。

    供不能保持 SSE 连接的客户端使用，范围与 SSE 相同，每次最多 200 条。第一次不带 after，得到 next；
    其后每次把 next 作为 after 传回。
    """
    return await service.poll(ground, _mark(after, "/query/after"), wait=wait)
