"""What a library repeats while the database is away is told now and then; all else, always."""

import asyncio
import logging
from time import monotonic
from typing import cast

import pytest
from structlog.testing import capture_logs

from api.foundation import logs, patience, worker
from api.foundation.database import Database

LIBRARY = logging.getLogger("pgqueuer")
REPEATED = "Flush failed, requeuing %d items"


def _fails(error: type[Exception], words: str = REPEATED) -> None:
    LIBRARY.error(words, 3, exc_info=error())


def test_a_library_that_says_the_same_again_and_again_is_heard_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    now = monotonic() + 1000
    monkeypatch.setattr(logs, "monotonic", lambda: now)
    for _ in range(100):
        _fails(ConnectionError)
    assert len(caplog.records) == 1
    _fails(ValueError)
    assert len(caplog.records) == 2, "what is wrong otherwise is told"
    _fails(ConnectionError, "Failed to send heartbeat: %s")
    _fails(ConnectionError, "Failed to send heartbeat: %s")
    assert len(caplog.records) == 4, "what is no repetition of that is told each time"
    now += 61
    _fails(ConnectionError)
    assert len(caplog.records) == 5


async def test_a_database_that_stays_away_is_told_once_a_minute_by_whoever_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
):
    stop = asyncio.Event()
    tried = 0

    async def away(*_: object) -> None:
        nonlocal tried
        tried += 1
        if tried == 3:
            stop.set()
        raise ConnectionRefusedError

    monkeypatch.setattr(worker, "_work", away)
    monkeypatch.setattr(patience, "happens", _at_once)
    with capture_logs() as lines:
        await worker.work(cast("Database", None), "postgresql://away", stop)
    assert tried == 3
    assert [line["event"] for line in lines] == ["worker_interrupted"]


async def _at_once(*_: object, within: float) -> bool:
    return within < 0
