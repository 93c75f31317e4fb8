"""How long is waited after a failure: for a delivery, and for an address that answers nothing."""

import random
from datetime import timedelta

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=8)
MOST_ATTEMPTS = 12
"""With these pauses about a day and a half; then somebody has to look at it."""

FAILED_ROUNDS = 3
"""After so many rounds without a success it is the address that fails, not what is sent."""

LONGEST_REST = timedelta(minutes=1)
"""A failing address is tried with one delivery at least so often, so that its return is noticed."""

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


def _doubled(first: timedelta, times: int, *, most: timedelta) -> timedelta:
    return min(most, first * 2 ** min(times, 30))


def _spread(whole: timedelta) -> timedelta:
    """Not all at the same moment, where many failed at the same moment."""
    return whole * random.uniform(0.5, 1)  # noqa: S311 - no secret hangs on it
