"""Sending one signed message: to checked addresses only, following nothing, not waiting long."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpcore
from standardwebhooks import Webhook

from api.foundation import clock
from api.webhooks.addresses import AddressNotAllowed, Fence
from api.webhooks.backoff import asked_for
from api.webhooks.models import Failure
from api.webhooks.network import GuardedNetwork, Unresolved

TIMEOUT_SECONDS = 10.0
"""For everything together, from the question for the name to the status of the answer."""

_CONNECTIONS = 1000
_IDLE_SECONDS = 15.0
_DRAIN_SECONDS, _DRAINED_BYTES = 1.0, 4096
_SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message about to be sent; every secret that holds signs it, and any of them proves it."""

    id: str
    url: str
    body: bytes
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending: a status, or what went wrong before there was one.

    `pause` is how long the address asks to be left alone.
    """

    at: datetime
    took_ms: int
    status_code: int | None = None
    failure: Failure | None = None
    pause: timedelta | None = None


def longest_pause(answers: Iterable[Answer]) -> timedelta:
    """For how long an address asks to be left alone, of all that it answered at once."""
    return max((each.pause for each in answers if each.pause), default=timedelta())


class Courier:
    """Keeps the connections of one process to the addresses of others."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._network = GuardedNetwork(fence)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=self._network,
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)
        self._network.close()

    async def send(self, letter: Letter) -> Answer:
        """Send it once; whatever goes wrong is an answer, never an exception."""
        at, began = clock.now(), perf_counter()
        status, failure, pause = None, None, None
        try:
            self._fence.check(letter.url)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status, retry_after = await self._post(letter, at)
            pause = asked_for(status, retry_after, at)
        except Exception as error:  # noqa: BLE001 - the world outside fails in every way
            failure = _failure_of(error)
        if status is not None and status not in _SUCCESSES:
            failure = Failure.status
        took = round((perf_counter() - began) * 1000)
        return Answer(at, took, status_code=status, failure=failure, pause=pause)

    async def _post(self, letter: Letter, at: datetime) -> tuple[int, str | None]:
        """The status of the answer and its `Retry-After`; what else it says concerns nobody."""
        headers = {
            "Host": urlsplit(letter.url).netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(letter.body)),
            "User-Agent": "onegrid-webhooks/1",
            **signed(letter, at),
        }
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_SECONDS)
        async with self._pool.stream(
            "POST",
            letter.url,
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            content=letter.body,
            extensions={"timeout": timeouts},
        ) as response:
            await _drain(response)
            return response.status, _retry_after(response)


def _retry_after(response: httpcore.Response) -> str | None:
    told = (value for name, value in response.headers if name.lower() == b"retry-after")
    return next((each.decode("latin-1") for each in told), None)


async def _drain(response: httpcore.Response) -> None:
    """Read a short answer to its end, so that its connection serves again; a long one is cut."""
    read = 0
    with suppress(TimeoutError, httpcore.ReadError, httpcore.RemoteProtocolError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for part in response.aiter_stream():
                read += len(part)
                if read > _DRAINED_BYTES:
                    return


def signed(letter: Letter, at: datetime) -> dict[str, str]:
    """The headers by which a receiver knows who sent it and when (Standard Webhooks)."""
    body = letter.body.decode()
    signatures = [Webhook(secret).sign(letter.id, at, body) for secret in letter.secrets]
    return {
        "webhook-id": letter.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _failure_of(error: BaseException) -> Failure:
    """The first reason in the chain of errors that the library wraps round it."""
    chain = _chain(error)
    for kinds, failure in _FAILURES:
        if any(isinstance(each, kinds) for each in chain):
            return failure
    return Failure.unreachable


_FAILURES: tuple[tuple[tuple[type[BaseException], ...], Failure], ...] = (
    ((AddressNotAllowed,), Failure.address_refused),
    ((Unresolved,), Failure.unresolved),
    ((ssl.SSLError,), Failure.insecure),
    ((TimeoutError, httpcore.TimeoutException), Failure.timeout),
)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
