"""One request and its answer over HTTP: whatever goes wrong has a name, and nothing is raised."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from api.health_codes.answers import Trouble
from api.health_codes.composing import Composed
from api.health_codes.documents import Limits

# Its lines quote whole addresses, and with them whoever was asked about.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

LARGEST_ANSWER = 1024 * 1024

# An answer that came packed could unpack into more than was read of it.
_HEADERS = {
    "User-Agent": "onegrid",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}

_TOO_OFTEN = {429: Trouble.throttled, 503: Trouble.throttled}
_NOT_ADMITTED = {401: Trouble.signature_refused, 403: Trouble.signature_refused}


@dataclass(frozen=True, slots=True)
class Told:
    """What came back: JSON, or the trouble because of which there is none; and how it came."""

    body: Any
    trouble: Trouble | None = None
    status: int | None = None
    milliseconds: int = 0
    arrived: bool = True
    retry_after: float | None = None

    def __repr__(self) -> str:
        return f"Told(trouble={self.trouble}, status={self.status})"


def client_for(base_url: str, limits: Limits) -> httpx.AsyncClient:
    """A client of one system: no proxy from the environment, no redirect, no cookie kept."""
    patience = httpx.Timeout(limits.answer_seconds, connect=limits.connect_seconds)
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=patience,
        limits=httpx.Limits(
            max_connections=limits.at_once, max_keepalive_connections=limits.at_once
        ),
        headers=_HEADERS,
        trust_env=False,
        follow_redirects=False,
    )


async def send(client: httpx.AsyncClient, composed: Composed, limits: Limits) -> Told:
    """Send a request, and read its answer as JSON within the time that the limits give it."""
    began = time.perf_counter()
    told = await _sent(client, composed, limits)
    client.cookies.clear()
    took = round((time.perf_counter() - began) * 1000)
    return Told(told.body, told.trouble, told.status, took, told.arrived, told.retry_after)


async def _sent(client: httpx.AsyncClient, composed: Composed, limits: Limits) -> Told:
    try:
        request = composed.request(client)
        async with asyncio.timeout(limits.answer_seconds):
            response = await client.send(request, stream=True)
            try:
                return _told(response, await _read(response))
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return Told(None, Trouble.unreachable, arrived=False)
    except (httpx.TimeoutException, TimeoutError):
        return Told(None, Trouble.timed_out)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        return Told(None, Trouble.not_set_up, arrived=False)
    except (httpx.HTTPError, OSError):
        return Told(None, Trouble.failed)


async def _read(response: httpx.Response) -> bytes | None:
    """The body; None where it is larger than any answer about one person."""
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > LARGEST_ANSWER:
            return None
    return bytes(body)


def _told(response: httpx.Response, body: bytes | None) -> Told:
    status = response.status_code
    if response.is_success:
        try:
            return Told(orjson.loads(body or b""), status=status)
        except orjson.JSONDecodeError:
            return Told(None, Trouble.unreadable, status)
    otherwise = Trouble.failed if response.is_server_error else Trouble.refused
    trouble = (_TOO_OFTEN | _NOT_ADMITTED).get(status, otherwise)
    return Told(None, trouble, status, retry_after=_seconds(response.headers.get("retry-after")))


def _seconds(told: str | None) -> float | None:
    with suppress(ValueError, TypeError):
        return max(0.0, float(told or ""))
    return None
