"""The worker process: the background work of every room, until told to stop."""

import asyncio
import signal

import structlog

from api import background
from api.doors import opened
from api.foundation import jobs, logs
from api.foundation.worker import working
from api.health_codes.shelf import opened_systems
from api.operations import connected
from api.settings import Settings
from api.webhooks.addresses import fence_of
from api.webhooks.sending import sending

_log = structlog.get_logger()
__all__ = ["background", "work_until_told"]


def work_until_told(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what is under way then may end."""
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    assert settings.database_url is not None  # noqa: S101 - the caller found or started one
    url = settings.database_url.get_secret_value()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with connected(url):
        pass  # told in a sentence where there is none; whoever keeps one idle waits for its goodbye
    async with (
        opened(settings) as database,
        opened_systems(database, settings.health_code_hosts),
    ):
        logs.configure(settings.log_level)  # until here it spoke to an operator
        _log.info("working", sweeps=sorted(jobs.SWEEPS), jobs=sorted(jobs.JOBS))
        async with working(database, url), sending(database, url, fence_of(settings)):
            await told.wait()
