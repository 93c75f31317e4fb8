"""The only place that reads the time, so that all agree on what day it is in the township."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TOWNSHIP_ZONE = ZoneInfo("Asia/Shanghai")
"""The local day of every epidemic rule: one zone for the whole country, whatever the longitude."""


_PAST: ContextVar[datetime | None] = ContextVar("past", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _PAST.get() or datetime.now(UTC)


@contextmanager
def going_back_to(past: datetime) -> Generator[None]:
    """Let what this task does be done at an instant that has passed; a later one is a ValueError.

    For the demonstration alone, whose first days are lived through in a minute: no request that
    comes over a socket is ever served so.
    """
    if past > datetime.now(UTC):
        raise ValueError("an instant that has not passed yet")
    token = _PAST.set(past.astimezone(UTC))
    try:
        yield
    finally:
        _PAST.reset(token)


def local_day(instant: datetime) -> date:
    """The township's calendar day at this instant. A naive instant is a ValueError."""
    return _local(instant).date()


def local_time(instant: datetime) -> time:
    """The township's wall clock at this instant, naive. A naive instant is a ValueError."""
    return _local(instant).time()


def today() -> date:
    """The township's calendar day now."""
    return local_day(now())


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first instant of a local day and the first instant after it, both in UTC."""
    return _midnight(day), _midnight(day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, TOWNSHIP_ZONE).astimezone(UTC)


def _local(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant without an offset has no local day")
    return instant.astimezone(TOWNSHIP_ZONE)
