"""A light load: keep-alive connections that speak just enough HTTP to count answers."""

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter

CONNECTIONS = 16
Ask = Callable[[], bytes]


def asking(method: str, target: str, token: str, body: bytes = b"") -> bytes:
    """One request, whole."""
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def rate(port: int, ask: Ask, *, seconds: float, connections: int = CONNECTIONS) -> float:
    """Answers a second; raises RuntimeError for an answer that is not a success."""
    began = perf_counter()
    until = began + seconds
    counts = await asyncio.gather(*(_ask_until(port, ask, until) for _ in range(connections)))
    return sum(counts) / (perf_counter() - began)


async def times(port: int, ask: Ask, *, requests: int) -> list[float]:
    """The seconds of each of some requests, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = [await _timed(reader, writer, ask()) for _ in range(requests)]
    writer.close()
    return taken


async def _ask_until(port: int, ask: Ask, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while perf_counter() < until:
        await _timed(reader, writer, ask())
        count += 1
    writer.close()
    return count


async def _timed(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> float:
    began = perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(_lengths(head))
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError((head + body).decode(errors="replace"))
    return perf_counter() - began


def _lengths(head: bytes) -> Iterator[int]:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            yield int(line[15:])
