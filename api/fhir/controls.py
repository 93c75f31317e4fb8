"""What a search asks of its answer: how much of it, in which order, and what of each resource."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from api.fhir.dates import Condition, dated
from api.fhir.kinds import Kind
from api.fhir.outcomes import NotUnderstood

MOST = 500
DEFAULT = 50


class Mark(NamedTuple):
    """Where a page ended: at which id, and at which instant where it is sorted by one."""

    id: UUID
    at: datetime | None = None

    def __str__(self) -> str:
        return str(self.id) if self.at is None else f"{self.at.isoformat()}_{self.id}"

    @classmethod
    def of(cls, told: str, *, sorted_by_instant: bool) -> Self:
        """As it was written; raises `NotUnderstood`, also where it is of another order."""
        at, _, identity = told.rpartition("_")
        try:
            instant = datetime.fromisoformat(at) if sorted_by_instant else None
        except ValueError:
            raise NotUnderstood(f"_after {told} 不对，请按 Bundle.link 的 next 翻页。") from None
        return cls(referred(identity if sorted_by_instant else told), instant)


@dataclass(slots=True)
class Search:
    """What is looked for, how much of it at once, in which order, and from where on.

    Without `order` it is that of the ids. `by_number` is what names documents, which no address
    may repeat. Where `elements` are wanted, there are no others but those that FHIR demands.
    """

    conditions: list[Condition] = field(default_factory=list[Condition])
    count: int = DEFAULT
    order: str | None = None
    descending: bool = False
    after: Mark | None = None
    only_counted: bool = False
    totalled: bool = False
    elements: frozenset[str] = frozenset()
    by_number: bool = False
    understood: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def referred(value: str) -> UUID:
    """The id at the end of a reference; raises `NotUnderstood`."""
    try:
        return UUID(value.rpartition("/")[2])
    except ValueError:
        raise NotUnderstood(f"{value} 不是一个引用。") from None


def _count(search: Search, value: str, _: Kind) -> None:
    if not (value.isascii() and value.isdigit()):
        raise NotUnderstood("_count 应为数字。")
    search.count = max(1, min(int(value[:9]), MOST))
    search.only_counted = search.only_counted or not value.strip("0")


def _identified(search: Search, value: str, _: Kind) -> None:
    search.conditions.append(("id = ANY ({})", ([referred(part) for part in value.split(",")],)))


def _updated(search: Search, value: str, _: Kind) -> None:
    search.conditions.append(dated("updated_at", value))


def _after(search: Search, value: str, _: Kind) -> None:
    search.after = Mark.of(value, sorted_by_instant=search.order is not None)


def _total(search: Search, value: str, _: Kind) -> None:
    if value not in _TOTALLED:
        raise NotUnderstood("_total 应为 none、estimate 或 accurate。")
    search.totalled = _TOTALLED[value]


def _elements(search: Search, value: str, _: Kind) -> None:
    names = frozenset(value.split(","))
    if not all(_ELEMENT.fullmatch(each) for each in names):
        raise NotUnderstood("_elements 应为以逗号分隔的元素名，如 status,subject。")
    search.elements |= names


def _sort(search: Search, value: str, kind: Kind) -> None:
    """By one thing only, and the id after it: then a page begins exactly where the last ended."""
    name = value.removeprefix("-")
    if name not in sortable(kind):
        raise NotUnderstood(f"_sort 只支持 {'、'.join(sortable(kind))} 之一，前加 - 为倒序。")
    search.order, search.descending = _SORTED[name], name != value


def sortable(kind: Kind) -> list[str]:
    """By what a kind may be sorted."""
    return [name for name in _SORTED if name in kind.searched or name in CONTROLS]


_TOTALLED = {"none": False, "estimate": True, "accurate": True}
_ELEMENT = re.compile(r"[A-Za-z]{1,40}")
_SORTED = {"_lastUpdated": "updated_at", "date": "at"}

CONTROLS: Mapping[str, Callable[[Search, str, Kind], None]] = {
    "_count": _count,
    "_id": _identified,
    "_lastUpdated": _updated,
    "_total": _total,
    "_elements": _elements,
    "_sort": _sort,
    "_after": _after,
}
"""In the order in which they are read: where a page ended depends on how it was sorted."""
