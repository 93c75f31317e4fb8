"""Hours of a local day, as the demonstration's people live by them."""

from datetime import date, datetime, time

from api.foundation import clock


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of a local day."""
    return datetime.combine(day, time(hour, minute), clock.TOWNSHIP_ZONE)
