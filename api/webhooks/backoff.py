"""How long is waited after a failure: for a delivery, and for an address that answers nothing."""

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=8)
MOST_ATTEMPTS = 12
"""With these pauses about a day and a half; then somebody has to look at it."""

FAILED_ROUNDS = 3
"""After so many rounds without a success it is the address that fails, not what is sent."""

LONGEST_REST = timedelta(minutes=1)
"""A failing address is tried with one delivery at least so often, so that its return is noticed."""

LONGEST_ASKED = timedelta(hours=1)
"""For no longer is an address left alone because it asks for that: it may be mistaken."""

_ASKING = frozenset({429, 503})
_MOST_DIGITS = 9

GIVEN_UP_AFTER, GIVEN_UP_ROUNDS = timedelta(days=3), 20
"""A failing address is paused by itself after both; what waits for it is kept."""


def pause_after(attempts: int) -> timedelta:
    """Until a delivery is tried again: twice as long each time, give or take up to half of it."""
    return _spread(_doubled(FIRST_PAUSE, attempts - 1, most=LONGEST_PAUSE))


def rest_after(rounds: int) -> timedelta | None:
    """Until an address is tried again that failed in so many rounds; None while it goes on."""
    if rounds < FAILED_ROUNDS:
        return None
    return _spread(_doubled(FIRST_PAUSE, rounds - FAILED_ROUNDS, most=LONGEST_REST))


def asked_for(status: int, told: str | None, at: datetime) -> timedelta | None:
    """For how long an address that is overloaded wants to be left alone (`Retry-After`)."""
    if status not in _ASKING or told is None:
        return None
    pause = _said(told.strip(), at)
    return pause and min(max(pause, timedelta()), LONGEST_ASKED)


def _said(told: str, at: datetime) -> timedelta | None:
    """The pause of a header, in seconds or as a date (RFC 9110 §10.2.3); None for anything else."""
    if told.isascii() and told.isdigit():
        return timedelta(seconds=int(told[:_MOST_DIGITS]))
    with suppress(ValueError, OverflowError):
        until = parsedate_to_datetime(told)
        return (until if until.tzinfo else until.replace(tzinfo=UTC)) - at
    return None


def _doubled(first: timedelta, times: int, *, most: timedelta) -> timedelta:
    return min(most, first * 2 ** min(times, 30))


def _spread(whole: timedelta) -> timedelta:
    """Not all at the same moment, where many failed at the same moment."""
    return whole * random.uniform(0.5, 1)  # noqa: S311 - no secret hangs on it
