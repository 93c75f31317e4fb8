"""What a library repeats while the database is away is told now and then; all else, always."""

import logging
from datetime import timedelta

import pytest
import time_machine

from api.foundation import clock, worker

LIBRARY = logging.getLogger("pgqueuer")
REPEATED = "Flush failed, requeuing %d items"


def _fails(error: type[Exception], words: str = REPEATED) -> None:
    LIBRARY.error(words, 3, exc_info=error())


def test_a_library_that_says_the_same_again_and_again_is_heard_once_a_minute(
    caplog: pytest.LogCaptureFixture,
):
    assert worker
    now = clock.now() + timedelta(days=1)
    with time_machine.travel(now) as time:
        for _ in range(100):
            _fails(ConnectionError)
        assert len(caplog.records) == 1
        _fails(ValueError)
        assert len(caplog.records) == 2, "what is wrong otherwise is told"
        _fails(ConnectionError, "Failed to send heartbeat: %s")
        _fails(ConnectionError, "Failed to send heartbeat: %s")
        assert len(caplog.records) == 4, "what is no repetition of that is told each time"
        time.shift(61)
        _fails(ConnectionError)
        assert len(caplog.records) == 5
