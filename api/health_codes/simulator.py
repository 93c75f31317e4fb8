"""`onegrid simulate health-codes`: provincial systems to try things out on, good and bad days both.

One server speaks the dialects of the presets, each below its own path (`/gate`, `/national`,
`/bus`), and does as it is told at `/_control`.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from api.health_codes.dialects import BUS, GATE, NATIONAL, Dialect, bus_secret
from api.health_codes.simulated import Coloured, Conduct, Simulated

Handler = Callable[[Request], Awaitable[Response]]


def simulator(known: Simulated | None = None) -> Starlette:
    """The application; `known` is what it begins with."""
    state = known or Simulated()
    return Starlette(
        routes=[
            Route("/gate/health/code", _speaking(GATE, state), methods=["POST"]),
            Route(
                "/national/hbjkm/userHealth/validateInfo",
                _speaking(NATIONAL, state),
                methods=["POST"],
            ),
            Route("/bus/gateway/app/refreshTokenByKey", _handing_out(state), methods=["POST"]),
            Route("/bus/gateway/api/healthCode", _speaking(BUS, state), methods=["POST"]),
            Route("/_control", _control(state), methods=["GET", "POST"]),
            Route("/_control/people", _people(state), methods=["POST"]),
            Route("/_control/rotate", _rotate(state), methods=["POST"]),
            Route("/_control/requests", _requests(state), methods=["GET", "DELETE"]),
            Route("/_control/reset", _reset(state), methods=["POST"]),
        ]
    )


def _speaking(dialect: Dialect, state: Simulated) -> Handler:
    async def answer(request: Request) -> Response:
        misbehaviour = await _misbehaviour(state)
        if misbehaviour is not None:
            return misbehaviour
        told = await _told(request)
        try:
            document = dialect.document(told)
        except (KeyError, ValueError, TypeError):
            return JSONResponse({"error": "unreadable request"}, status_code=400)
        holds = dialect.signed(told, request.headers, state)
        state.note(dialect.name, document, signature_holds=holds)
        if not holds or state.conduct.wrong_signatures:
            return JSONResponse(dialect.refusals["signature"])
        if state.stumbles():
            return _stumble(dialect)
        return JSONResponse(dialect.answer(document, state.standing_of(document)))

    return answer


def _stumble(dialect: Dialect) -> Response:
    """An error of the system: told in its own words, or by the status alone."""
    if random.random() < 0.5:  # noqa: PLR2004, S311 - one way or the other, no secret
        return JSONResponse(dialect.refusals["error"])
    return Response("Internal Server Error", status_code=500)


async def _misbehaviour(state: Simulated) -> Response | None:
    """What befalls a request before it is even read, if anything does."""
    conduct = state.conduct
    if conduct.outage == "hang":
        await asyncio.Event().wait()
    await state.linger()
    if conduct.outage == "maintenance_page":
        return HTMLResponse("<h1>系统维护中</h1>")
    if conduct.outage == "redirect":
        return RedirectResponse("/_control/requests", status_code=302)
    if conduct.outage == "flood":
        return StreamingResponse(_without_end())
    if conduct.outage == "cut":
        return StreamingResponse(_cut_off(), headers={"Content-Length": "100"})
    if state.too_many():
        return Response(status_code=conduct.throttle_status, headers={"Retry-After": "1"})
    return None


async def _cut_off() -> AsyncGenerator[bytes]:
    """The beginning of an answer whose end never comes."""
    yield b'{"code": "0", "data'


async def _without_end() -> AsyncGenerator[bytes]:
    """An answer that is all blanks, for as long as somebody reads it."""
    while True:
        yield b" " * 65_536
        await asyncio.sleep(0)


async def _told(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").startswith("application/json"):
        body: dict[str, Any] = orjson.loads(await request.body())
        return {name: str(value) for name, value in body.items()}
    async with request.form() as form:
        return {name: str(value) for name, value in form.items()}


def _handing_out(state: Simulated) -> Handler:
    async def hand_out(request: Request) -> Response:
        misbehaviour = await _misbehaviour(state)
        return misbehaviour or JSONResponse(bus_secret(await _told(request), state))

    return hand_out


def _control(state: Simulated) -> Handler:
    async def control(request: Request) -> Response:
        if request.method == "POST":
            try:
                state.behave(orjson.loads(await request.body()))
            except (ValueError, TypeError) as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(state.conduct.model_dump())

    return control


def _people(state: Simulated) -> Handler:
    async def colour(request: Request) -> Response:
        try:
            state.colour(Coloured.model_validate_json(await request.body()))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return Response(status_code=204)

    return colour


def _rotate(state: Simulated) -> Handler:
    async def rotate(_: Request) -> Response:
        state.rotation += 1
        return Response(status_code=204)

    return rotate


def _requests(state: Simulated) -> Handler:
    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            state.seen.clear()
        seen = [{**asdict(each), "at": each.at.isoformat()} for each in state.seen]
        return JSONResponse({"items": seen})

    return requests


def _reset(state: Simulated) -> Handler:
    async def reset(_: Request) -> Response:
        state.conduct = Conduct()
        state.people.clear()
        state.seen.clear()
        return Response(status_code=204)

    return reset


def serve_simulator(*, port: int) -> None:
    """Serve on loopback until told to stop."""
    import uvicorn

    uvicorn.run(
        simulator(), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
