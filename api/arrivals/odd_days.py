"""Days of an arrival that cannot be meant: a year mistyped, a stay after the arrival."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from api.arrivals.coming_schemas import StayTold
from api.foundation import clock
from api.foundation.problems import InvalidInput

_A_YEAR = timedelta(days=366)


def refuse_odd_days(said: Any, *names: str, within: str = "/body") -> None:
    """Raise `InvalidInput` for who comes, or came, more than a year from now: a year mistyped."""
    for name in names:
        told: date | datetime | None = getattr(said, name)
        day = clock.local_day(told) if isinstance(told, datetime) else told
        if day is not None and abs(day - clock.today()) > _A_YEAR:
            raise InvalidInput("与今天相差一年以上，请核对日期。", pointer=f"{within}/{name}")


# A day of which the year was mistyped as the one before lies at least so far back.
_YEAR_BEFORE = timedelta(days=365)


def refuse_odd_exposure(said: Any, *, within: str = "/body") -> None:
    """Raise `InvalidInput` for an exposure that is yet to come, or was a year ago or more.

    From that on all days would have been served already: a contact would go free by a slip.
    """
    day, pointer = said.last_exposure_on, f"{within}/last_exposure_on"
    if day is not None and day > clock.today():
        raise InvalidInput("末次暴露日期不能晚于今天。", pointer=pointer)
    if day is not None and clock.today() - day >= _YEAR_BEFORE:
        raise InvalidInput("末次暴露日期在一年以前，请核对年份。", pointer=pointer)


def refuse_odd_stays(stays: Sequence[StayTold], day: date, *, within: str = "/body") -> None:
    """Raise `InvalidInput` for a stay after the day of arrival, or over a year before.

    It would class nobody, and say that they were nowhere at risk.
    """
    for stay in stays:
        if stay.from_on > day:
            detail = f"旅居史中有晚于到达日期（{day}）的，请核对日期。"
            raise InvalidInput(detail, pointer=f"{within}/stays")
        if day - stay.to_on >= _YEAR_BEFORE:
            detail = f"旅居史中有比到达日期（{day}）早一年以上的，请核对年份。"
            raise InvalidInput(detail, pointer=f"{within}/stays")
