"""People and households that move or leave: where they belong is changed, what was, is kept."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.audit import audit
from api.access.permissions import Role
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of, metadata
from api.foundation.identity import EARLIEST_BIRTH
from api.foundation.problems import InvalidInput, Problem
from api.foundation.records import table_of
from api.foundation.sealed import Keyring
from api.grids.models import Post, Worker
from api.grids.relocation import take_history_along
from api.registry.drafts import sealed
from api.registry.handover import ending
from api.registry.leaving import Leaving, check_leaving
from api.registry.models import Bond, Household, Resident
from api.registry.problems import HouseholdLeft, ResidentLeft
from api.registry.queries import household_of, living_in, resident_of
from api.registry.resident_schemas import (
    Departure,
    ResidentCorrect,
    ResidentDeparture,
    ResidentMove,
)
from api.registry.schemas import HouseholdCorrect

_NOT_FOLLOWING = {"bonds", "workers"}
"""A bond stays with its household; a worker serves where they serve, wherever they live."""


async def move_resident(
    session: AsyncSession, caller: Claims, resident_id: UUID, said: ResidentMove
) -> Resident:
    """Move a resident, with every record about them, into another household in reach (M1.7).

    Who is there already stays; who had left is back, and lives there from now on. Nobody else
    writes in the cell meanwhile (`AloneSession`): no record stays behind. Raises `NotFound`,
    `HouseholdLeft`, and `OutsideYourGrid` for somebody whom the caller sees by a duty only.
    """
    resident = await resident_of(session, resident_id)
    household = await household_of(session, said.household_id, pointer="/body/household_id")
    if household.left_on is not None:
        raise HouseholdLeft(pointer="/body/household_id")
    if household.id == resident.household_id and resident.left_on is None:
        return resident
    await _check_jurisdiction(session, resident)
    details = {"from": str(resident.household_id), "to": str(household.id)}
    await _end_representation(session, caller, [resident.id], reason="迁往他户")
    place = {name: getattr(household, name) for name in ("reach", "grid_id")}
    place["household_id"] = household.id
    correction = Correction(version=resident.version, by=caller.worker, reason=said.reason)
    changes = {**place, **_back(resident), "relation": said.relation}
    await correct(session, resident, changes, correction)
    await _take_along(session, resident.id, place)
    _note(session, caller, "residents.move", resident, details)
    return resident


def _back(kept: Household | Resident) -> dict[str, Any]:
    """Of who lives here again; since when they were away, and where, their history keeps."""
    alive = {"died": False} if isinstance(kept, Resident) else {}
    return {"left_on": None, "destination_sealed": None, **alive}


async def leave_household(
    session: AsyncSession, caller: Claims, household_id: UUID, said: Departure
) -> Household:
    """A household moves away with all who live in it; nobody stands for it any more.

    Raises `NotFound`, `HouseholdLeft` where it left on another day already, and what
    `check_leaving` raises where one of them is kept here.
    """
    household = await household_of(session, household_id, locked=True)
    if household.left_on is not None:
        return _left_already(household, said, HouseholdLeft)
    _refuse_day(said.left_on)
    residents = await living_in(session, household.id, locked=True)
    for leaving in (*residents, household):
        await _leave(session, caller, leaving, said)
    await check_leaving(session, Leaving(caller, [each.id for each in residents], said))
    for kind in (Bond, Post):
        still = (col(kind.household_id) == household.id) & col(kind.ended_at).is_(None)
        await session.execute(update(kind).where(still).values(ending(kind, reason="整户迁出")))
    _note(session, caller, "households.leave", household, {"left_on": said.left_on.isoformat()})
    return household


async def leave_resident(
    session: AsyncSession, caller: Claims, resident_id: UUID, said: Departure
) -> Resident:
    """A resident no longer lives here, or lives no more, and represents the household no more.

    Raises `NotFound`, `ResidentLeft` where they left on another day already, and what
    `check_leaving` raises where they are kept here.
    """
    resident = await resident_of(session, resident_id, locked=True)
    if resident.left_on is not None:
        return _left_already(resident, said, ResidentLeft)
    _refuse_day(said.left_on)
    await _leave(session, caller, resident, said)
    await check_leaving(session, Leaving(caller, [resident.id], said))
    await _end_representation(session, caller, [resident.id], reason="本人离开")
    _note(session, caller, "residents.leave", resident, {"left_on": said.left_on.isoformat()})
    return resident


def _refuse_day(day: date) -> None:
    """Raise `InvalidInput` for a departure that is yet to come, or was in no lifetime."""
    if day > clock.today():
        raise InvalidInput("离开日期不能晚于今天。", pointer="/body/left_on")
    if day < EARLIEST_BIRTH:
        raise InvalidInput("离开日期不对，请核对。", pointer="/body/left_on")


def departure_put_right(
    keyring: Keyring, kept: Household | Resident, said: HouseholdCorrect | ResidentCorrect
) -> dict[str, Any]:
    """The columns of a departure told wrong: another day or none, or where somebody went.

    Leaving ends bonds as well, so nobody is said to have left here. Raises `InvalidInput` for who
    has not left, and for a day that is yet to come.
    """
    told = said.model_fields_set & {"left_on", "destination", "died"}
    for name in sorted(told):
        if getattr(said, name) not in (None, False) and kept.left_on is None:
            detail = "尚未登记离开，请用“登记离开”办理。"
            raise InvalidInput(detail, pointer=f"/body/{name}")
    if "left_on" in told and said.left_on is None:
        return _back(kept)
    changes: dict[str, Any] = {}
    if said.left_on is not None:
        _refuse_day(said.left_on)
        changes["left_on"] = said.left_on
    if isinstance(said, ResidentCorrect) and "died" in told:
        changes["died"] = said.died
    if "destination" in told:
        context = f"{table_of(type(kept)).name}.destination"
        changes["destination_sealed"] = sealed(keyring, said.destination, context=context)
    return changes


Left = TypeVar("Left", Household, Resident)


def _left_already(kept: Left, said: Departure, refusal: type[Problem]) -> Left:
    """The same departure told again is no news; another one is refused."""
    died = isinstance(kept, Resident) and kept.died
    if (kept.left_on, died) != (said.left_on, _died(said)):
        raise refusal
    return kept


async def _leave(
    session: AsyncSession, caller: Claims, leaving: Household | Resident, said: Departure
) -> None:
    context = f"{table_of(type(leaving)).name}.destination"
    changes: dict[str, Any] = {
        "left_on": said.left_on,
        "destination_sealed": sealed(keyring_of(session), said.destination, context=context),
    }
    if _died(said):
        changes["died"] = True
    await correct(session, leaving, changes, Correction(leaving.version, by=caller.worker))


def _died(said: Departure) -> bool:
    return isinstance(said, ResidentDeparture) and said.died


async def _check_jurisdiction(session: AsyncSession, resident: Resident) -> None:
    """Touch the row where it lies: whoever sees it by a duty only may not take it away."""
    untouched = update(Resident).values(version=resident.version)
    await session.execute(untouched.where(col(Resident.id) == resident.id))


async def _end_representation(
    session: AsyncSession, caller: Claims, residents: Sequence[UUID], *, reason: str
) -> None:
    """End what these residents were for the household they leave, sign-in included."""
    represents = col(Bond.resident_id).in_(residents) & col(Bond.ended_at).is_(None)
    await session.execute(update(Bond).where(represents).values(ending(Bond, reason=reason)))
    signs_in = col(Post.worker_id).in_(
        select(col(Worker.id)).where(col(Worker.resident_id).in_(residents))
    )
    await session.execute(
        update(Post)
        .where(
            signs_in,
            col(Post.role) == Role.household_representative,
            col(Post.ended_at).is_(None),
        )
        .values({**ending(Post, reason=reason), "ended_by": caller.worker})
    )


async def _take_along(session: AsyncSession, resident: UUID, place: Mapping[str, Any]) -> None:
    """Write the new place into every table that speaks of the resident, whatever room it is of.

    What their records said before follows them: it is read by whoever reads the record.
    """
    await take_history_along(session, table_of(Resident), [resident])
    for table in metadata.sorted_tables:
        about = _about(table, resident)
        if about is not None:
            known = {name: value for name, value in place.items() if name in table.columns}
            moved = update(table).where(about).values(known).returning(table.columns["id"])
            await take_history_along(session, table, (await session.scalars(moved)).all())


def _about(table: Table, resident: UUID) -> ColumnElement[bool] | None:
    """The rows of a table that are about a resident: by their own column, or by what they are of.

    What a row is of, it cannot be without (`quarantine_id`, `alert_id`); what it only mentions may
    be of somebody else. Not every table asks PostgreSQL to hold the reference.
    """
    if "reach" not in table.columns or table.name in _NOT_FOLLOWING:
        return None
    if "resident_id" in table.columns:
        return table.columns["resident_id"] == resident
    for column in table.columns:
        whole = metadata.tables.get(f"{column.name.removesuffix('_id')}s")
        if column.nullable or whole is None or whole.name in _NOT_FOLLOWING:
            continue
        if "resident_id" in whole.columns:
            of_resident = whole.columns["resident_id"] == resident
            return column.in_(select(whole.columns["id"]).where(of_resident))
    return None


def _note(
    session: AsyncSession,
    caller: Claims,
    action: str,
    subject: Household | Resident,
    details: Mapping[str, str],
) -> None:
    audit(session, caller, action, subject=subject.id, reach=subject.reach, details=details)
