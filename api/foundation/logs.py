"""The log: one JSON object a line on standard output, told by ids, never with personal data.

What an exception says may quote the row or the field it stumbled over, so its text is left out; its
type and the lines it came through are enough to find the fault.
"""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from time import monotonic
from traceback import extract_tb
from typing import Any

import orjson
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.processors import JSONRenderer, TimeStamper, add_log_level

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being served; it joins the audit record with the log."""

_OWN = str(Path(__file__).parents[1])


def configure(level: str) -> None:
    """Send the service's and its libraries' log lines of `level` and above to standard output."""
    structlog.configure(
        processors=[
            merge_contextvars,
            add_log_level,
            TimeStamper(fmt="iso", utc=True, key="at"),
            JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)


def begin_request(identity: str) -> None:
    """Let every line and audit record from here on carry the request's id, and only this one's."""
    clear_contextvars()
    bind_contextvars(request_id=identity)
    request_id.set(identity)


def name_caller(**ids: object) -> None:
    """Let the request's lines say whose it was: ids only, never a name."""
    bind_contextvars(**{name: str(each) for name, each in ids.items()})


def fault_of(error: BaseException) -> dict[str, Any]:
    """An exception without its words: its type, our lines it came through, and where it began."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames[:-1] if frame.filename.startswith(_OWN)]
    told = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in own + frames[-1:]],
    }
    return told | ({"cause": fault_of(error.__cause__)} if error.__cause__ else {})


class Sparing:
    """Tells the same once in so many `seconds`: a fault that goes on would hide all else."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._told: dict[object, float] = {}

    def may_tell(self, what: object) -> bool:
        """Whether to tell it now; then it is taken as told."""
        now = monotonic()
        if now - self._told.get(what, -inf) < self._seconds:
            return False
        self._told[what] = now
        return True


class Seldom(logging.Filter):
    """Lets what a library tells that begins with `words` through `Sparing`ly, by kind of error."""

    def __init__(self, words: str, *, seconds: float) -> None:
        super().__init__()
        self._words = words
        self._sparing = Sparing(seconds=seconds)

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.msg, record.exc_info and record.exc_info[0]
        return not str(record.msg).startswith(self._words) or self._sparing.may_tell(kind)


class _Line(logging.Formatter):
    """The libraries' own records in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            # Further lines of a message, such as asyncio's, quote exceptions.
            "event": record.getMessage().partition("\n")[0].strip(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            event |= fault_of(record.exc_info[1])
        return _json(event).decode()


def _json(event: Mapping[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
