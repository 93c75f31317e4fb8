"""What cannot have been: before a birth, yet to come, or a later dose before an earlier one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import InvalidInput
from api.health_records.models import Vaccination
from api.registry.models import Resident


def refuse_before_birth(born: date | None, day: date, *, pointer: str) -> None:
    """Raise `InvalidInput` for a day on which somebody was not born yet."""
    if born is not None and day < born:
        raise InvalidInput("日期早于本人的出生日期，请核对日期和人。", pointer=pointer)


async def refuse_unborn(session: AsyncSession, resident_id: UUID, **instants: datetime) -> None:
    """As `refuse_before_birth`, of what a correction tells of somebody, by its member."""
    resident = await session.get(Resident, resident_id)
    born = resident.birth_date if resident is not None else None
    for name, at in instants.items():
        refuse_before_birth(born, clock.local_day(at), pointer=f"/body/{name}")


async def refuse_impossible(session: AsyncSession, resident_id: UUID, **instants: datetime) -> None:
    """As `refuse_unborn`; raises `RecordedInTheFuture` first for what is yet to come."""
    for name, at in instants.items():
        refuse_the_future(at, pointer=f"/body/{name}")
    await refuse_unborn(session, resident_id, **instants)


class Dose(NamedTuple):
    """The day of a dose of somebody."""

    id: UUID
    number: int
    given_on: date


class Doses(NamedTuple):
    """The doses of people that count, in whichever order they were told, and which are kept."""

    of: Mapping[UUID, Sequence[Dose]]
    kept: Collection[UUID]

    def refuse_out_of_order(self, resident: UUID, dose: Dose, *, pointer: str) -> None:
        """Raise `InvalidInput` for a day that cannot be, by the days of the other doses.

        Old cards are told in any order; the days on them follow the numbers. What is kept already
        is only told again.
        """
        for other in self.of.get(resident, ()) if dose.id not in self.kept else ():
            if other.id == dose.id or other.number == dose.number:
                continue
            earlier, later = sorted((other, dose), key=lambda each: each.number)
            if earlier.given_on >= later.given_on:
                said = f"第{other.number}剂登记为{other.given_on}接种，与第{dose.number}剂先后不符"
                raise InvalidInput(f"{said}，请核对。", pointer=pointer)


async def doses_of(
    session: AsyncSession, residents: Iterable[UUID], told: Mapping[UUID, Sequence[Dose]]
) -> Doses:
    """Those of these people that are kept, and those that are being told with them."""
    statement = select(Vaccination).where(
        col(Vaccination.resident_id).in_({*residents}),
        col(Vaccination.dose_number).is_not(None),
        col(Vaccination.discarded_at).is_(None),
    )
    of = {resident: [*doses] for resident, doses in told.items()}
    kept: set[UUID] = set()
    for row in await session.scalars(statement):
        dose = Dose(row.id, row.dose_number or 0, row.given_on)
        of.setdefault(row.resident_id, []).append(dose)
        kept.add(row.id)
    return Doses(of, kept)
