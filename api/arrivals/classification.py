"""How an arrival is classed: where it was, when, and what the list of risk areas says of that.

Sources: domain 3.3.4 (a stay counts from so many days before the area was declared) and 3.10 (the
look-back window). Nothing is read here: the same stays and the same list always class alike.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from api.arrivals.codes import holds
from api.protocols.models import RiskLevel

_SEVEREST_FIRST = (
    RiskLevel.entry,
    RiskLevel.high,
    RiskLevel.medium,
    RiskLevel.low,
    RiskLevel.affected_county,
    RiskLevel.affected_prefecture,
    RiskLevel.none,
)
"""Entrants are held to what close contacts are (eighth and ninth edition), so they stand first."""

SEVERITY = {level: -place for place, level in enumerate(_SEVEREST_FIRST)}
"""The graver the level, the greater the number."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A place by its division code, and the days there, both included."""

    code: str
    from_on: date
    to_on: date


@dataclass(frozen=True, slots=True)
class Area:
    """A risk area; without `to_on` it is one until further notice."""

    id: UUID
    prefix: str
    name: str
    level: RiskLevel
    from_on: date
    to_on: date | None


@dataclass(frozen=True, slots=True)
class Classified:
    """The level, what decided it, and why in Chinese; `left_on` is the last day at risk there."""

    level: RiskLevel
    area: Area | None
    stay: Stay | None
    left_on: date | None
    explanation: str


def classify(
    stays: Iterable[Stay], areas: Iterable[Area], look_back_days: int, arrived_on: date
) -> Classified:
    """The gravest level of all areas where somebody was, and of those the one left last.

    A stay counts where its place lies in the area, its days touch those from `look_back_days`
    before the area was declared until it was lifted, and the last of them is at most
    `look_back_days` before the arrival. Days after the area was lifted are not days at risk.
    """
    known = list(areas)
    counted = [
        (area, stay, left_on)
        for stay in stays
        for area, left_on in _touched(stay, known, look_back_days)
        if left_on + timedelta(days=look_back_days) >= arrived_on
    ]
    if not counted:
        return Classified(RiskLevel.none, None, None, None, _nothing(look_back_days, arrived_on))
    area, stay, left_on = max(counted, key=_gravest)
    explanation = _because(area, stay, left_on, look_back_days)
    return Classified(area.level, area, stay, left_on, explanation)


def _touched(stay: Stay, areas: Iterable[Area], look_back_days: int) -> Iterator[tuple[Area, date]]:
    """The areas that a stay counts for, each with the last day of it that was at risk."""
    for area in areas:
        left_on = stay.to_on if area.to_on is None else min(stay.to_on, area.to_on)
        since = area.from_on - timedelta(days=look_back_days)
        if holds(area.prefix, stay.code) and max(stay.from_on, since) <= left_on:
            yield area, left_on


def _gravest(counted: tuple[Area, Stay, date]) -> tuple[object, ...]:
    # What follows the day decides between equals, so that no order of stays or areas does.
    area, stay, left_on = counted
    told = (area.prefix, area.from_on, str(area.id), stay.code, stay.from_on, stay.to_on)
    return (SEVERITY[area.level], left_on, *told)


def _because(area: Area, stay: Stay, left_on: date, look_back_days: int) -> str:
    until = f"至{area.to_on}" if area.to_on else "起至今"
    return (
        f"{stay.from_on}至{stay.to_on}在{stay.code},属{area.level.label}“{area.name}”"
        f"({area.prefix},{area.from_on}{until});按追溯{look_back_days}天计,"
        f"在该地区的最后一日为{left_on}。"
    )


def _nothing(look_back_days: int, arrived_on: date) -> str:
    return f"按追溯{look_back_days}天计,抵达日{arrived_on}前所到之处均不在风险地区名单内。"
