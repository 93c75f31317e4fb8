"""How the conditions of two clauses lie to one another: apart, or one within the other."""

from collections.abc import Sequence
from typing import NamedTuple

from api.protocols.conditions import Range, When

_WITHOUT_END = 10**6


class _Sets(NamedTuple):
    """What two clauses ask of the same thing; None asks nothing."""

    outer: Sequence[str | bool] | None
    inner: Sequence[str | bool] | None


def covers(outer: When, inner: When) -> bool:
    """Whether everybody whom `inner` concerns is also concerned by `outer`."""
    return (
        all(_includes(*pair) for pair in (*_single(outer, inner), _occupations(outer, inner)))
        and _includes_areas(outer.area_codes, inner.area_codes)
        and all(_spans(*pair) for pair in _ranges(outer, inner))
    )


def disjoint(one: When, other: When) -> bool:
    """Whether nobody can be concerned by both.

    Somebody may have been in several areas and have several occupations, so that these alone never
    keep two clauses apart.
    """
    return any(
        pair.outer is not None and pair.inner is not None and not set(pair.outer) & set(pair.inner)
        for pair in _single(one, other)
    ) or any(_apart(*pair) for pair in _ranges(one, other))


def _single(one: When, other: When) -> tuple[_Sets, ...]:
    """The things of which somebody has one."""
    vaccinated = (None if when.vaccinated is None else (when.vaccinated,) for when in (one, other))
    return (
        _Sets(one.exposure_classes, other.exposure_classes),
        _Sets(one.risk_levels, other.risk_levels),
        _Sets(*vaccinated),
    )


def _occupations(one: When, other: When) -> _Sets:
    return _Sets(one.occupations, other.occupations)


def _includes(outer: Sequence[str | bool] | None, inner: Sequence[str | bool] | None) -> bool:
    return outer is None or (inner is not None and set(inner) <= set(outer))


def _includes_areas(outer: Sequence[str] | None, inner: Sequence[str] | None) -> bool:
    if outer is None or inner is None:
        return outer is None
    prefixes = set(outer)
    return all(
        any(code[:length] in prefixes for length in range(2, len(code) + 1)) for code in inner
    )


def _ranges(one: When, other: When) -> tuple[tuple[Range | None, Range | None], ...]:
    return (
        (one.days_since_arrival, other.days_since_arrival),
        (one.days_since_exposure, other.days_since_exposure),
        (one.age, other.age),
    )


def _ends(told: Range) -> tuple[int, int]:
    least = -_WITHOUT_END if told.min is None else told.min
    return least, _WITHOUT_END if told.max is None else told.max


def _spans(outer: Range | None, inner: Range | None) -> bool:
    if outer is None or inner is None:
        return outer is None
    (least, most), (inner_least, inner_most) = _ends(outer), _ends(inner)
    return least <= inner_least and inner_most <= most


def _apart(one: Range | None, other: Range | None) -> bool:
    if one is None or other is None:
        return False
    (least, most), (other_least, other_most) = _ends(one), _ends(other)
    return most <= other_least or other_most <= least
