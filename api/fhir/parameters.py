"""Search parameters as people send them, read into conditions on a kind's own columns."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from api.fhir.kinds import Kind, SearchKind
from api.fhir.outcomes import NotUnderstood
from api.foundation import clock
from api.foundation.sealed import Keyring

MOST = 500
DEFAULT = 50

Condition = tuple[str, tuple[Any, ...]]
"""A comparison with `{}` where its values stand, and the values."""

_DATED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d{4})(?:-(\d{2})(?:-(\d{2})(T.+)?)?)?")
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


@dataclass(slots=True)
class Search:
    """What is looked for, how much of it at once, and from where on."""

    conditions: list[Condition] = field(default_factory=list[Condition])
    count: int = DEFAULT
    after: UUID | None = None
    only_counted: bool = False
    understood: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@dataclass(frozen=True, slots=True)
class Asking:
    """How parameters came: strictly or leniently, and whether identity may be among them."""

    strict: bool
    in_body: bool
    keyring: Keyring


def read(kind: Kind, told: Iterable[tuple[str, str]], asking: Asking) -> Search:
    """The search that parameters describe.

    Raises `NotUnderstood` for values that cannot be read, for identity in an address, for modifiers
    of what is known, and where the caller wants it strict for parameters that are not known; else
    these are left out.
    """
    search = Search()
    for said, value in told:
        name = _unmodified(said, kind)
        searched = kind.searched.get(name)
        if name in _CONTROLS:
            _CONTROLS[name](search, value)
        elif searched is not None:
            search.conditions.append(_condition(name, searched, value, asking))
        elif name == "_summary" and value in _COUNTED:
            search.only_counted = _COUNTED[value]
        elif asking.strict and name not in _OF_THE_ANSWER:
            raise NotUnderstood(f"不支持查询参数 {name}。")
        else:
            continue
        if name not in _NOT_IN_AN_ADDRESS:
            search.understood.append((name, value))
    return search


def _unmodified(said: str, kind: Kind) -> str:
    """The parameter's name; what a modifier would change must not be passed over (§3.1.1.4.5)."""
    name, colon, modifier = said.partition(":")
    if not colon or not (name in kind.searched or name in _CONTROLS):
        return said
    if modifier != _REFERRED_TO.get(name):
        raise NotUnderstood(f"不支持 {name} 的修饰符 {modifier}。")
    return name


_REFERRED_TO = {
    "patient": "Patient",
    "subject": "Patient",
    "location": "Location",
    "partof": "Location",
}
_COUNTED = {"count": True, "false": False}
_OF_THE_ANSWER = {"_format", "_pretty"}
_NOT_IN_AN_ADDRESS = {"identifier", "_after"}


def _condition(name: str, kind: SearchKind, value: str, asking: Asking) -> Condition:
    if kind is SearchKind.date:
        return dated("at", value)
    if kind is SearchKind.period:
        return _spanning(value)
    if kind is SearchKind.identifier:
        if not asking.in_body:
            raise NotUnderstood("证件号不得写在网址中,请用 POST 提交 Patient/_search。")
        numbers = [part.rpartition("|")[2].strip().upper() for part in value.split(",")]
        wanted = [asking.keyring.lookup(each, context="document") for each in numbers]
        return "document_lookup = ANY ({})", (wanted,)
    if kind is SearchKind.reference:
        column = "patient" if name == "subject" else name
        return f"{column} = ANY ({{}})", ([_referred(part) for part in value.split(",")],)
    return f"{name} = ANY ({{}})", ([part.rpartition("|")[2] for part in value.split(",")],)


def _referred(value: str) -> UUID:
    try:
        return UUID(value.rpartition("/")[2])
    except ValueError:
        raise NotUnderstood(f"{value} 不是一个引用。") from None


def dated(column: str, value: str) -> Condition:
    """A date or instant with its prefix; a date without a time is a day, month or year here."""
    prefix, begins, ends = _compared(value)
    if prefix == "ne":
        return f"({column} < {{}} OR {column} >= {{}})", (begins, ends)
    if prefix == "eq":
        return f"({column} >= {{}} AND {column} < {{}})", (begins, ends)
    comparison, bound = _COMPARED[prefix]
    return f"{column} {comparison} {{}}", ({"begins": begins, "ends": ends}[bound],)


def _spanning(value: str) -> Condition:
    """As `dated`, of what lasts from `at` until `until`, or still does."""
    prefix, begins, ends = _compared(value)
    within = "(at >= {} AND coalesce(until, 'infinity') <= {})"
    if prefix in ("eq", "ne"):
        return (within if prefix == "eq" else f"NOT {within}"), (begins, ends)
    comparison, bound = _SPANNED[prefix]
    return comparison, ({"begins": begins, "ends": ends}[bound],)


def _compared(value: str) -> tuple[str, datetime, datetime]:
    """The prefix, and the time that is meant from its beginning to its end."""
    wrong = NotUnderstood(f"日期 {value} 不对,应写成 ge2022-02-15。")
    found = _DATED.fullmatch(value)
    if found is None:
        raise wrong
    try:
        return found[1] or "eq", *_bounds(*found.groups()[1:])
    except (ValueError, OverflowError):
        raise wrong from None


def _bounds(
    year: str, month: str | None, day: str | None, time: str | None
) -> tuple[datetime, datetime]:
    if time is not None:
        at = datetime.fromisoformat(f"{year}-{month}-{day}{time}")
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at, at + timedelta(seconds=1)
    first = date(int(year), int(month or 1), int(day or 1))
    if day is not None:
        after = first + timedelta(days=1)
    elif month is not None:
        after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        after = first.replace(year=first.year + 1)
    return clock.day_bounds(first)[0], clock.day_bounds(after)[0]


def _count(search: Search, value: str) -> None:
    if not (value.isascii() and value.isdigit()):
        raise NotUnderstood("_count 应为数字。")
    search.count = max(1, min(int(value[:9]), MOST))
    search.only_counted = search.only_counted or not value.strip("0")


def _identified(search: Search, value: str) -> None:
    search.conditions.append(("id = ANY ({})", ([_referred(part) for part in value.split(",")],)))


def _updated(search: Search, value: str) -> None:
    search.conditions.append(dated("updated_at", value))


def _after(search: Search, value: str) -> None:
    search.after = _referred(value)


_CONTROLS = {
    "_count": _count,
    "_id": _identified,
    "_lastUpdated": _updated,
    "_after": _after,
}
