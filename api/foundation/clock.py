"""The only place that reads the time, so that all agree on what day it is in the township."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TOWNSHIP_ZONE = ZoneInfo("Asia/Shanghai")
"""The local day of every epidemic rule: one zone for the whole country, whatever the longitude."""


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


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
