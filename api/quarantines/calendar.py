"""What a change makes of the days of stages: pure rules, of which none touches a day that is past.

Sources: M3.8, domain 3.3 and 3.9 (九不准 no. 5: no period is lengthened at will or by itself).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

from api.protocols.timeline import StageDays, shift

S = TypeVar("S", bound=StageDays)
_DAY = timedelta(days=1)


def lengthened(stages: Sequence[S], place: int, ends_on: date, today: date) -> list[S]:
    """One stage ends later and what follows it moves along with its length.

    Where the last stage was over, the days since then stay free: it goes on from today as one more.
    Raises ValueError for one that was over and that others followed: their days are past.
    """
    stage = stages[place]
    if stage.ends_on >= today - _DAY:
        return shift(stages, place, ends_on)
    if place + 1 < len(stages):
        raise ValueError("a stage that others followed does not go on")
    return [*stages, replace(stage, starts_on=today, ends_on=ends_on)]


def shortened(stages: Sequence[S], place: int, ends_on: date) -> list[S]:
    """One stage ends sooner, and what follows it begins sooner."""
    return shift(stages, place, ends_on)


def cut(stages: Sequence[S], ends_on: date) -> list[S]:
    """Everything ends on a day; what would have begun later is no more."""
    return [
        replace(stage, ends_on=min(stage.ends_on, ends_on))
        for stage in stages
        if stage.starts_on <= ends_on
    ]


def begun_from(stages: Sequence[S], day: date) -> list[S]:
    """What is left of stages from a day on; days before it were served under another plan."""
    return [
        replace(stage, starts_on=max(stage.starts_on, day))
        for stage in stages
        if stage.ends_on >= day
    ]
