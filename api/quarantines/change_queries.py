"""Reading changes of stages: of one quarantine, or all that wait for somebody to decide."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.pages import Page, PageRequest, read_page
from api.quarantines.change_schemas import ChangeRead, CohabitantChanged
from api.quarantines.models import Quarantine
from api.quarantines.queries import quarantine_of
from api.quarantines.stage_models import ChangeStatus, StageChange
from api.registry.models import Resident


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesWanted:
    """Which changes are listed; None does not narrow."""

    quarantine_id: UUID | None = None
    status: ChangeStatus | None = None


async def page_of_changes(
    session: AsyncSession, wanted: ChangesWanted, page: PageRequest
) -> Page[ChangeRead]:
    """Changes in sight, those asked for last first."""
    statement = select(StageChange)
    if wanted.quarantine_id is not None:
        quarantine = await quarantine_of(session, wanted.quarantine_id)
        statement = statement.where(col(StageChange.quarantine_id) == quarantine.id)
    if wanted.status is not None:
        statement = statement.where(col(StageChange.status) == wanted.status)
    keys = [col(StageChange.recorded_at), col(StageChange.id)]
    found = await read_page(session, statement, keys, page, present=_itself, descending=True)
    items = await _changes_shown(session, found.items)
    return Page[ChangeRead](items=items, next_cursor=found.next_cursor)


async def approved_changes(session: AsyncSession, quarantine_id: UUID) -> Sequence[StageChange]:
    """What was changed of a quarantine, in the order in which it was decided."""
    statement = (
        select(StageChange)
        .where(
            col(StageChange.quarantine_id) == quarantine_id,
            col(StageChange.status) == ChangeStatus.approved,
        )
        .order_by(col(StageChange.decided_at), col(StageChange.id))
    )
    return (await session.scalars(statement)).all()


async def changes_waiting(
    session: AsyncSession, quarantines: Collection[UUID]
) -> Mapping[UUID, UUID]:
    """By quarantine the change that was asked for and that nobody has decided; at most one each."""
    statement = select(StageChange.quarantine_id, StageChange.id).where(
        col(StageChange.quarantine_id).in_(quarantines),
        col(StageChange.status) == ChangeStatus.requested,
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


def _itself(change: StageChange) -> StageChange:
    return change


async def change_read(session: AsyncSession, change: StageChange) -> ChangeRead:
    """One change with the person it is about."""
    return (await _changes_shown(session, [change]))[0]


async def _changes_shown(session: AsyncSession, changes: Sequence[StageChange]) -> list[ChangeRead]:
    statement = (
        select(Quarantine.id, Resident.id, Resident.name, Quarantine.grid_id)
        .join(Resident, col(Resident.id) == Quarantine.resident_id)
        .where(col(Quarantine.id).in_({change.quarantine_id for change in changes}))
    )
    about = {row[0]: row[1:] for row in await session.execute(statement)}
    along = await _cohabitants(session, [change.id for change in changes])
    return [
        _change_shown(change, about[change.quarantine_id], along.get(change.id, []))
        for change in changes
    ]


async def _cohabitants(
    session: AsyncSession, changes: Sequence[UUID]
) -> dict[UUID | None, list[CohabitantChanged]]:
    """Those in sight who were changed along, by the change that they follow."""
    statement = (
        select(StageChange, Resident.id, Resident.name)
        .join(Quarantine, col(Quarantine.id) == StageChange.quarantine_id)
        .join(Resident, col(Resident.id) == Quarantine.resident_id)
        .where(col(StageChange.follows_change_id).in_(changes))
        .order_by(col(Resident.name), col(StageChange.id))
    )
    found: dict[UUID | None, list[CohabitantChanged]] = {}
    for own, resident, name in await session.execute(statement):
        changed = CohabitantChanged(
            change_id=own.id,
            quarantine_id=own.quarantine_id,
            resident_id=resident,
            resident_name=name,
            status=own.status,
        )
        found.setdefault(own.follows_change_id, []).append(changed)
    return found


def _change_shown(
    change: StageChange, about: Sequence[Any], along: Sequence[CohabitantChanged]
) -> ChangeRead:
    resident, name, grid = about
    own = change.model_dump(include=set(ChangeRead.model_fields))
    whose = {"resident_id": resident, "resident_name": name, "grid_id": grid}
    return ChangeRead.model_validate({**own, **whose, "cohabitants": along})
