"""The server process: uvicorn with what this service needs of it, and no logging of its own."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from api.app import create_app
from api.foundation import logs
from api.operations import OperatorError, connected
from api.settings import Settings

_log = structlog.get_logger()


async def rehearse(settings: Settings) -> None:
    """Open the service once and close it: what prevents it is raised here, where it can be told."""
    assert settings.database_url is not None  # noqa: S101 - the caller found or started one
    async with connected(settings.database_url.get_secret_value()):
        app = create_app(settings.model_copy(update={"with_worker": False}))
        async with app.router.lifespan_context(app):
            pass


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int = 1,
    when_ready: Callable[[], None] | None = None,
) -> None:
    """Serve until told to stop; requests under way may then take `settings.stop_seconds` to end.

    `workers` processes share the port; one that dies is replaced. Raises `OperatorError` when the
    address is taken.
    """
    listening = _listen(host, port)
    logs.configure(settings.log_level)
    _hand_down(settings)
    config = uvicorn.Config(
        "api.app:app_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=Line,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=settings.stop_seconds,
        timeout_worker_healthcheck=30,
    )
    # Having stopped in good order, uvicorn raises the signal again: that must not cut off the rest.
    signal.signal(signal.SIGTERM, _end)
    _log.info("serving", address=f"http://{host}:{port}", workers=workers)
    try:
        if workers > 1:
            Multiprocess(config, sockets=[listening]).run()
        else:
            with suppress(KeyboardInterrupt):
                _Announced(config, when_ready).run(sockets=[listening])
    finally:
        listening.close()


def _end(_: int, __: FrameType | None) -> None:
    sys.exit(0)


def _hand_down(settings: Settings) -> None:
    """Workers read the environment: the embedded server's address is not in it, the owner's is."""
    os.environ.pop("ONEGRID_OWNER_DATABASE_URL", None)
    for name in ("database_url", "sealing_keys", "lookup_key"):
        os.environ[f"ONEGRID_{name}".upper()] = getattr(settings, name).get_secret_value()
    os.environ["ONEGRID_PUBLIC_URL"] = settings.public_url
    os.environ["ONEGRID_LOG_LEVEL"] = settings.log_level
    os.environ["ONEGRID_WITH_WORKER"] = str(settings.with_worker)


def check_address(host: str, port: int) -> None:
    """Raises `OperatorError` when the address is taken, before anything else is begun."""
    _listen(host, port).close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OperatorError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
        ) from None
    listening.set_inheritable(True)
    return listening


class Line(HttpToolsProtocol):
    """As uvicorn's, which at the end waits for whoever stays on the line and reads nothing."""

    def shutdown(self) -> None:
        """Let what is under way end, as long as it is being read."""
        super().shutdown()
        self._watch(None)

    def _watch(self, before: int | None) -> None:
        if self not in self.connections:
            return
        unread = self.transport.get_write_buffer_size()
        if unread and unread == before:
            self.transport.abort()
        else:
            self.loop.call_later(_TO_READ_SECONDS, self._watch, unread)


_TO_READ_SECONDS = 5
"""A slow line takes something in this time, beside what the system keeps for it."""


class _Announced(uvicorn.Server):
    """A server that says when it can be talked to."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._when_ready is not None:
            self._when_ready()
