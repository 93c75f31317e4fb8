"""The township's calendar in SQL: local days of instants, and when they begin."""

from typing import Final

from api.foundation.clock import TOWNSHIP_ZONE

ZONE: Final = f"'{TOWNSHIP_ZONE.key}'"


def midnight(day: str) -> str:
    """The first instant of a local day."""
    return f"({day})::timestamp AT TIME ZONE {ZONE}"


def day_of(instant: str) -> str:
    """The local day of an instant."""
    return f"(({instant}) AT TIME ZONE {ZONE})::date"


def end_of_day(instant: str, *, later: int = 0) -> str:
    """The end of an instant's local day, or of the day so many days later."""
    return midnight(f"{day_of(instant)} + {1 + later}")
