"""Whom records are about, looked up once for any number of them, and who made them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor
from api.access.colleagues import NotAColleague, strangers
from api.foundation import clock
from api.foundation.field_records import FromTheField, fill_in
from api.foundation.fields import RecordId
from api.foundation.problems import NotFound
from api.foundation.records import Source
from api.health_records.birth_and_doses import refuse_before_birth
from api.registry.models import Resident


class AboutAResident(FromTheField):
    """What somebody records of the health of one resident."""

    resident_id: Annotated[RecordId, Field(description="居民的编号")]


@dataclass(frozen=True, slots=True)
class People:
    """The residents that records name, as far as the caller sees them, and who is no colleague."""

    residents: Mapping[UUID, Resident]
    strangers: Collection[UUID]

    def resident(self, identity: UUID, *, within: str) -> Resident:
        """Raises `NotFound` with a pointer below `within`."""
        resident = self.residents.get(identity)
        if resident is None:
            pointer = f"{within}/resident_id"
            raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer=pointer)
        return resident

    def fields(
        self, caller: Actor, said: AboutAResident, *, within: str, instants: tuple[str, ...]
    ) -> dict[str, Any]:
        """What a record about a resident has whatever it is of: who, where, when, by whom.

        Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, and `InvalidInput` for what was
        before their birth, with pointers below `within`.
        """
        resident = self.resident(said.resident_id, within=within)
        for name in instants:
            at: datetime | None = getattr(said, name)
            if at is not None:
                day, pointer = clock.local_day(at), f"{within}/{name}"
                refuse_before_birth(resident.birth_date, day, pointer=pointer)
        self.refuse_stranger(said.performed_by, within=within)
        fields = fill_in(
            said, entered_by=caller.worker, source=Source.visit, instants=instants, within=within
        )
        place = {"grid_id": resident.grid_id, "reach": resident.reach}
        return {**fields, **place, "resident_id": resident.id}

    def refuse_stranger(self, performed_by: UUID | None, *, within: str) -> None:
        """Raise `NotAColleague` for somebody who does not serve in the township."""
        if performed_by in self.strangers:
            raise NotAColleague(pointer=f"{within}/performed_by")


async def people_of(session: AsyncSession, said: Sequence[AboutAResident]) -> People:
    """Whom these records are about and who made them, in two statements."""
    named = {each.performed_by for each in said if each.performed_by}
    return await people_named(session, {each.resident_id for each in said}, named)


async def people_named(
    session: AsyncSession, resident_ids: Collection[UUID], performed_by: Collection[UUID]
) -> People:
    """As `people_of`, of ids."""
    residents = select(Resident).where(
        col(Resident.id).in_(resident_ids), col(Resident.discarded_at).is_(None)
    )
    return People(
        residents={resident.id: resident for resident in await session.scalars(residents)},
        strangers=await strangers(session, performed_by),
    )
