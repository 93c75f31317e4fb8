"""Many records in one request: each is read for itself, so that a bad one costs only itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from api.foundation.handlers import invalid_input
from api.foundation.patience import in_turns
from api.foundation.problems import Problem
from api.foundation.records import ItemOutcome, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Illegible:
    """An item that could not be read as a record, its id neither, it may be."""

    found: Sequence[Any]

    def problem(self, place: int) -> Problem:
        """What points at all that could not be read in the item at this place of the list."""
        return invalid_input(self.found, within=("body", "items", str(place)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Illegible):
    """An item that could not be read as a record; its id was all that could be."""

    id: UUID

    def outcome(self, place: int) -> ItemOutcome:
        """Refused, pointing at what could not be read in the item at this place of the list."""
        return refused(self.id, self.problem(place))


Said = TypeVar("Said", bound=BaseModel)


def read_or_unread(items: Iterable[Said]) -> Sequence[Said | Unread]:
    """The items of a list annotated with `EACH_ALONE`, by what they really are."""
    return list(items)


class Identified(Protocol):
    """A record as it is told: whatever it says, it has its id."""

    @property
    def id(self) -> UUID: ...


Told = TypeVar("Told", bound=Identified)
Drafted = TypeVar("Drafted")


def readable(items: Iterable[Told | Unread]) -> list[Told]:
    """The items that could be read, in the order sent."""
    return [item for item in items if not isinstance(item, Unread)]


async def draft_each(
    items: Iterable[Told | Unread], draft: Callable[[Told, str], Drafted]
) -> tuple[dict[int, Drafted], dict[int, ItemOutcome]]:
    """What can be kept and what is refused already, each by its place in the list.

    `draft` is told an item and where it stands in the request; a problem it raises refuses that
    item alone. A sheet has thousands, and is not all that this process is asked.
    """
    drafts: dict[int, Drafted] = {}
    outcomes: dict[int, ItemOutcome] = {}
    async for place, item in in_turns(enumerate(items)):
        if isinstance(item, Unread):
            outcomes[place] = item.outcome(place)
            continue
        try:
            drafts[place] = draft(item, f"/body/items/{place}")
        except Problem as problem:
            outcomes[place] = refused(item.id, problem)
    return drafts, outcomes


def refused(identity: UUID, problem: Problem) -> ItemOutcome:
    """The outcome of an item that was not kept."""
    return ItemOutcome(id=identity, outcome=Outcome.refused, problem=problem.body())


def _read_alone(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as error:
        identity = _id_of(value)
        if identity is None:
            raise
        return Unread(id=identity, found=error.errors(include_url=False))


def _read_in_its_place(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return _read_alone(value, read)
    except ValidationError as error:
        return Illegible(found=error.errors(include_url=False))


def _id_of(value: Any) -> UUID | None:
    try:
        return UUID(value["id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


EACH_ALONE = WrapValidator(_read_alone)
"""`list[Annotated[HouseholdRecord, EACH_ALONE]]`: an item that does not hold becomes `Unread`.

The contract is that of the record; only where even the id is missing is the whole request refused.
"""

EACH_IN_ITS_PLACE = WrapValidator(_read_in_its_place)
"""The same for lists that others publish: an item whose id cannot be read becomes `Illegible`.

Its place in the answer says which it was.
"""
