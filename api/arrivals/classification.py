"""How an arrival is classed: where it was, when, and what the list of risk areas says of that.

Sources: domain 3.3.4 (a stay counts from so many days before the area was declared) and 3.10 (the
look-back window). Nothing is read here: the same stays and the same list always class alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from api.arrivals.codes import holds, prefixes_of
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
    `look_back_days` before the arrival. Days after the area was lifted are not days at risk, and
    a stay that was planned for longer ended with the arrival.
    """
    known, told = list(areas), list(stays)
    counted = [
        (area, stay, left_on)
        for stay in told
        for area in known
        if (left_on := _last_day_at_risk(stay, area, look_back_days, arrived_on)) is not None
    ]
    if not counted:
        why = _nothing(look_back_days, arrived_on) if told else _NOTHING_TOLD
        return Classified(RiskLevel.none, None, None, None, why)
    area, stay, left_on = max(counted, key=_gravest)
    explanation = _because(area, stay, left_on, look_back_days)
    return Classified(area.level, area, stay, left_on, explanation)


def _last_day_at_risk(stay: Stay, area: Area, look_back_days: int, arrived_on: date) -> date | None:
    """The last day of a stay that counts for an area; None where none does."""
    if not holds(area.prefix, stay.code):
        return None
    look_back = timedelta(days=look_back_days)
    last = min(stay.to_on, area.to_on or stay.to_on, arrived_on)
    first = max(stay.from_on, area.from_on - look_back, arrived_on - look_back)
    return last if first <= last else None


def listed(areas: Iterable[Area]) -> Mapping[str, list[Area]]:
    """The areas by their prefix, for classing thousands."""
    by_prefix: dict[str, list[Area]] = {}
    for area in areas:
        by_prefix.setdefault(area.prefix, []).append(area)
    return by_prefix


def areas_of(stays: Iterable[Stay], by_prefix: Mapping[str, list[Area]]) -> list[Area]:
    """Those of the areas in which some stay lies; the others cannot class it."""
    prefixes = {prefix for stay in stays for prefix in prefixes_of(stay.code)}
    return [area for prefix in sorted(prefixes) for area in by_prefix.get(prefix, ())]


def _gravest(counted: tuple[Area, Stay, date]) -> tuple[object, ...]:
    # What follows the day decides between equals, so that no order of stays or areas does.
    area, stay, left_on = counted
    told = (area.prefix, area.from_on, str(area.id), stay.code, stay.from_on, stay.to_on)
    return (SEVERITY[area.level], left_on, *told)


def _because(area: Area, stay: Stay, left_on: date, look_back_days: int) -> str:
    until = f"至{area.to_on}" if area.to_on else "起至今"
    return (
        f"{stay.from_on}至{stay.to_on}在{stay.code}，属{area.level.label}“{area.name}”"
        f"（{area.prefix}，{area.from_on}{until}）；按追溯{look_back_days}天计，"
        f"在该地区的最后一日为{left_on}。"
    )


def _nothing(look_back_days: int, arrived_on: date) -> str:
    return f"按追溯{look_back_days}天计，抵达日{arrived_on}前所填的各处均不在风险地区名单内。"


_NOTHING_TOLD = "没有填写来前到过的地方，无从按风险地区名单判定，请补填旅居史。"
