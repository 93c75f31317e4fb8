"""Connections to addresses that were checked, and to no others.

A name is resolved once, each address it stands for is checked, and the connection is made to just
that address: what the name stands for a moment later is not asked (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, cast

import httpcore

from api.webhooks.addresses import AddressNotAllowed, Fence

_NAMES_AT_ONCE = 64


class Unresolved(Exception):
    """A name that stands for nothing."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that the fence lets through, and to no socket of this machine.

    Names are asked for in threads of their own, each name by one: a name server that does not
    answer holds up nobody but those who wait for that name.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._below = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._threads = ThreadPoolExecutor(_NAMES_AT_ONCE, thread_name_prefix="webhook-names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the library has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._resolved(host, port)
        known = [each for each in found if self._fence.lets(ip_address(each))]
        if not known:
            raise AddressNotAllowed("不能向内部网络的地址推送。")
        for address in known[:-1]:
            with suppress(httpcore.ConnectError):
                return await self._below.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
        return await self._below.connect_tcp(
            known[-1], port, timeout, local_address, socket_options
        )

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> Any:
        raise AddressNotAllowed(path)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _resolved(self, host: str, port: int) -> list[str]:
        asked = self._asked.get((host, port))
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, _addresses, host, port)
            self._asked[host, port] = asked
            asked.add_done_callback(lambda _: self._asked.pop((host, port)))
        try:
            return await asyncio.shield(asked)
        except OSError as error:
            raise Unresolved from error


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # IPv4 first: where a township has no IPv6, its route ends in silence.
    found.sort(key=lambda each: each[0] is not socket.AF_INET)
    return [str(address[0]) for *_, address in found]
