"""Which grid an address speaks of, as far as its words tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.grids.models import Grid
from api.grids.queries import within
from api.leads.scoring import Nearness

_SHORTEST = 2
_OFFICES = {
    "村民委员会": "村",
    "村委会": "村",
    "社区居民委员会": "社区",
    "社区居委会": "社区",
}
"""What stands at the end of a grid's name, and what is said instead in an address."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A grid as far as it can be a place: where it lies and what it is called."""

    id: UUID
    path: str
    name: str
    code: str


class Places:
    """The open grids below the one that received a batch."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        self._spots = {spot.path: spot for spot in spots}
        self._names = {path: _names_of(spot.name) for path, spot in self._spots.items()}
        self.by_id = {spot.id: spot for spot in self._spots.values()}

    def named_in(self, address: str | None) -> Spot | None:
        """The grid that the address names; None where it names none, or more than one as well.

        A grid counts with those it lies in: of many a 第一网格, the one whose village is named too
        is meant. What is named in more letters goes before what is named in fewer.
        """
        if address is None:
            return None
        found = {path: self._letters(path, address) for path in self._spots}
        best = max(found.values(), default=0)
        meant = [path for path, letters in found.items() if letters == best]
        return self._spots[meant[0]] if best and len(meant) == 1 else None

    def called(self, text: str) -> Spot | None:
        """The grid with this code, or the only one of this name or named so."""
        coded = [spot for spot in self._spots.values() if spot.code == text]
        named = [spot for spot in self._spots.values() if text in self._names[spot.path]]
        found = coded or named
        return found[0] if len(found) == 1 else self.named_in(text)

    def _letters(self, path: str, address: str) -> int:
        """In how many letters the address names this grid and those it lies in; 0 if not itself."""
        own = self._named(path, address)
        above = (self._named(line, address) for line in _line(path) if line in self._names)
        return own and own + sum(above)

    def _named(self, path: str, address: str) -> int:
        return max((len(name) for name in self._names[path] if name in address), default=0)


def nearness(named: Spot | None, reach: str) -> Nearness:
    """How the grid that an address names compares with the household of somebody."""
    if named is None:
        return Nearness.unknown
    if reach.rpartition(".")[0] == named.path:
        return Nearness.same_grid
    inside = reach.startswith(f"{named.path}.")
    return Nearness.around if inside else Nearness.elsewhere


def _line(path: str) -> Sequence[str]:
    parts = path.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _names_of(name: str) -> tuple[str, ...]:
    """A name as it stands, and without the office: 榕村村民委员会 is 榕村 to who lives there."""
    whole = name.strip()
    names = {whole}
    for office, kind in _OFFICES.items():
        if whole.endswith(office):
            names.add(whole.removesuffix(office).removesuffix(kind) + kind)
    return tuple(each for each in names if len(each) >= _SHORTEST)


async def places_below(session: AsyncSession, path: str) -> Places:
    """The open grids below `path`, itself not among them: there a lead lies already."""
    statement = select(col(Grid.id), col(Grid.path), col(Grid.name), col(Grid.code)).where(
        within(col(Grid.path), path), col(Grid.path) != path, col(Grid.closed_at).is_(None)
    )
    return Places(Spot(*row) for row in await session.execute(statement))
