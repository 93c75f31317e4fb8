"""Dates and instants with their prefixes, compared as FHIR says (R4 §3.1.1.4.5)."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from api.fhir.outcomes import NotUnderstood
from api.foundation import clock

Condition = tuple[str, tuple[Any, ...]]
"""A comparison with `{}` where its values stand, and the values."""

_DATED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d{4})(?:-(\d{2})(?:-(\d{2})(T.+)?)?)?")
_TIME = re.compile(r"T\d{2}:\d{2}(:\d{2}(?:\.(\d{1,9}))?)?(?:Z|[+-]\d{2}:\d{2})?")
_SPANNED = {
    "ge": ("coalesce(until, 'infinity') > {}", "begins"),
    "gt": ("coalesce(until, 'infinity') > {}", "ends"),
    "sa": ("at >= {}", "ends"),
    "le": ("at < {}", "ends"),
    "lt": ("at < {}", "begins"),
    "eb": ("until <= {}", "begins"),
}
"""What lasts is compared as a whole: `ge` finds it if it lasted into that time (§3.1.1.4.8)."""

_COMPARED = {
    "ge": (">=", "begins"),
    "gt": (">=", "ends"),
    "sa": (">=", "ends"),
    "le": ("<", "ends"),
    "lt": ("<", "begins"),
    "eb": ("<", "begins"),
}


def dated(column: str, value: str) -> Condition:
    """A date or instant with its prefix; a date without a time is a day, month or year here."""
    prefix, begins, ends = _compared(value)
    if prefix == "ne":
        return f"({column} < {{}} OR {column} >= {{}})", (begins, ends)
    if prefix == "eq":
        return f"({column} >= {{}} AND {column} < {{}})", (begins, ends)
    comparison, bound = _COMPARED[prefix]
    return f"{column} {comparison} {{}}", ({"begins": begins, "ends": ends}[bound],)


def spanning(value: str) -> Condition:
    """As `dated`, of what lasts from `at` until `until`, or still does."""
    prefix, begins, ends = _compared(value)
    within = "(at >= {} AND coalesce(until, 'infinity') <= {})"
    if prefix in ("eq", "ne"):
        return (within if prefix == "eq" else f"NOT {within}"), (begins, ends)
    comparison, bound = _SPANNED[prefix]
    return comparison, ({"begins": begins, "ends": ends}[bound],)


def _compared(value: str) -> tuple[str, datetime, datetime]:
    """The prefix, and the time that is meant from its beginning to its end."""
    wrong = NotUnderstood(f"日期 {value} 不对，应写成 ge2022-02-15。")
    found = _DATED.fullmatch(value)
    if found is None:
        raise wrong
    try:
        return found[1] or "eq", *_bounds(*found.groups()[1:])
    except (ValueError, OverflowError):
        raise wrong from None


def _precision(time: str) -> timedelta:
    """What a time leaves open: whoever reads on from a millisecond misses nothing of its second."""
    found = _TIME.fullmatch(time)
    if found is None:
        raise ValueError(time)
    if found[1] is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(found[2] or "")))


def _bounds(
    year: str, month: str | None, day: str | None, time: str | None
) -> tuple[datetime, datetime]:
    if time is not None:
        at = datetime.fromisoformat(f"{year}-{month}-{day}{time}")
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at, at + _precision(time)
    first = date(int(year), int(month or 1), int(day or 1))
    if day is not None:
        after = first + timedelta(days=1)
    elif month is not None:
        after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        after = first.replace(year=first.year + 1)
    return clock.day_bounds(first)[0], clock.day_bounds(after)[0]
