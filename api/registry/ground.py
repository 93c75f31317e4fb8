"""What a registration stands on: grids, workers, documents and ids, looked up once a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.foundation.database import keyring_of
from api.foundation.identity import document_lookup
from api.foundation.problems import NotFound
from api.foundation.sealed import Keyring
from api.grids.models import Grid
from api.grids.problems import GridClosed
from api.registry.models import HOUSEHOLD_NUMBER, BondKind, Household, Resident
from api.registry.problems import ResidentAlreadyRegistered
from api.registry.schemas import HouseholdRecord
from api.registry.standing import Candidates, candidates


@dataclass(frozen=True, slots=True)
class Sent:
    """A household as it was sent, and where in the body it stands."""

    said: HouseholdRecord
    within: str = "/body"


@dataclass(frozen=True, slots=True)
class Ground:
    """Who registers, with which keys, and all that what is sent refers to."""

    caller: Claims
    keyring: Keyring
    grids: dict[UUID, Grid]
    standing: Candidates
    holders: dict[bytes, UUID]
    known: set[UUID]
    strangers: set[UUID]

    def grid(self, sent: Sent) -> Grid:
        """The grid of a household; raises `NotFound` out of reach and `GridClosed`."""
        grid = self.grids.get(sent.said.grid_id)
        pointer = f"{sent.within}/grid_id"
        if grid is None:
            raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer=pointer)
        if grid.closed_at is not None:
            raise GridClosed(pointer=pointer)
        return grid

    def refuse_strangers(self, sent: Sent) -> None:
        """Raise `NotAColleague` where somebody else's doing is told of who is not known here."""
        if sent.said.performed_by in self.strangers:
            raise NotAColleague(pointer=f"{sent.within}/performed_by")
        for place, resident in enumerate(sent.said.residents):
            if resident.performed_by in self.strangers:
                raise NotAColleague(pointer=f"{sent.within}/residents/{place}/performed_by")


async def survey(session: AsyncSession, caller: Claims, sent: Sequence[Sent]) -> Ground:
    """Look up everything that these households refer to, in a handful of statements."""
    keyring, said = keyring_of(session), [each.said for each in sent]
    residents = [resident for each in said for resident in each.residents]
    documents = {document_lookup(keyring, each.document_kind, each.document) for each in residents}
    grids = select(Grid).where(col(Grid.id).in_({each.grid_id for each in said}))
    known = select(col(Household.id)).where(col(Household.id).in_({each.id for each in said}))
    performers = {each.performed_by for each in (*said, *residents) if each.performed_by}
    return Ground(
        caller=caller,
        keyring=keyring,
        grids={grid.id: grid for grid in await session.scalars(grids)},
        standing=await candidates(session, _workers(said)),
        holders=await holders(session, {lookup for lookup in documents if lookup}),
        known=set(await session.scalars(known)),
        strangers=await strangers(session, performers),
    )


def _workers(said: Sequence[HouseholdRecord]) -> set[UUID]:
    return {
        person
        for each in said
        for kind, person in each.people.items()
        if kind is not BondKind.representative
    }


async def holders(session: AsyncSession, lookups: set[bytes]) -> dict[bytes, UUID]:
    """Who within the caller's reach holds these documents."""
    if not lookups:
        return {}
    held = select(col(Resident.document_lookup), col(Resident.id)).where(
        col(Resident.document_lookup).in_(lookups), col(Resident.discarded_at).is_(None)
    )
    return {lookup: resident for lookup, resident in await session.execute(held) if lookup}


def refuse_held(
    holders: dict[bytes, UUID], *, document_lookup: bytes | None, resident: UUID, within: str
) -> None:
    """Raise `ResidentAlreadyRegistered` for a document that somebody else holds already."""
    holder = holders.get(document_lookup or b"", resident)
    if holder != resident:
        raise ResidentAlreadyRegistered(
            "该证件号的居民已登记，请核对；如已搬家，请办理迁入。",
            pointer=f"{within}/document",
            resident_id=str(holder),
        )


async def next_numbers(session: AsyncSession, count: int) -> list[int]:
    """Numbers for new households; one that is not used in the end is not used again."""
    series = f"SELECT nextval('{HOUSEHOLD_NUMBER.name}') FROM generate_series(1, :count)"
    return list(await session.scalars(text(series), {"count": count}))
