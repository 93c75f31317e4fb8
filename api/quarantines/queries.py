"""Reading quarantines: what runs, what lacks a team, where each person is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal, not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound, OutsideYourGrid
from api.foundation.records import PATH
from api.grids.models import Grid
from api.grids.queries import below_grid
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import CareSeat, Quarantine, QuarantineStatus, Whereabouts
from api.quarantines.schemas import TeamGap, TeamGaps
from api.quarantines.team_queries import lacks_team

RUNNING = (QuarantineStatus.planned, QuarantineStatus.active)
"""A quarantine that is not over. Whether a planned one has begun, its first day says."""

NOT_IN_HOSPITAL: Final = """NOT EXISTS (
        SELECT FROM whereabouts AS w WHERE w.quarantine_id = q.id AND w.kind = 'in_hospital'
            AND w.until_at IS NULL AND w.discarded_at IS NULL
    )"""
"""SQL, of a quarantine `q`: whoever is in hospital by now is not met at home."""


def not_taken_away(resident: str) -> str:
    """SQL, of a resident: who is in hospital or at a site by now is sampled there, not at home."""
    return f"""NOT EXISTS (
        SELECT FROM quarantines AS q JOIN whereabouts AS w ON w.quarantine_id = q.id
        WHERE q.resident_id = {resident} AND q.status IN ('planned', 'active')
            AND w.kind IN ('in_hospital', 'transferred')
            AND w.until_at IS NULL AND w.discarded_at IS NULL
    )"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which quarantines are listed; None does not narrow."""

    grid_id: UUID | None = None
    status: QuarantineStatus | None = None
    team_complete: bool | None = None
    resident_id: UUID | None = None
    whereabouts: WhereaboutsKind | None = None
    due_on: date | None = None


def running() -> ColumnElement[bool]:
    """Not over: planned or active."""
    return col(Quarantine.status).in_(RUNNING)


def active_on(day: date) -> ColumnElement[bool]:
    """Running and begun by this local day; no job turns a planned one active, the day does."""
    return and_(running(), col(Quarantine.started_on) <= day)


def standing(quarantine: Quarantine, day: date) -> QuarantineStatus:
    """Where a quarantine stands on this local day."""
    begun = quarantine.started_on <= day
    if quarantine.status in RUNNING:
        return QuarantineStatus.active if begun else QuarantineStatus.planned
    return quarantine.status


def day_number(quarantine: Quarantine, day: date) -> int | None:
    """Which day of the quarantine this is: its first day is day 1 (domain 3.3)."""
    if standing(quarantine, day) is not QuarantineStatus.active:
        return None
    return (day - quarantine.started_on).days + 1


def sealed(session: AsyncSession, plain: str | None, *, context: str) -> bytes | None:
    """A text that may be absent, sealed for its column."""
    return None if plain is None else keyring_of(session).seal(plain, context=context)


async def quarantine_of(session: AsyncSession, quarantine_id: UUID) -> Quarantine:
    """A quarantine in sight; raises `NotFound`."""
    quarantine = await session.get(Quarantine, quarantine_id)
    if quarantine is None:
        raise NotFound("没有找到该隔离记录，或不在您的网格范围内。")
    return quarantine


async def locked(session: AsyncSession, quarantine_id: UUID) -> Quarantine:
    """The same, locked until the transaction ends: changes of one quarantine follow one another."""
    statement = select(Quarantine).where(col(Quarantine.id) == quarantine_id).with_for_update()
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    quarantine = found.one_or_none()
    if quarantine is None:
        raise NotFound("没有找到该隔离记录，或不在您的网格范围内。")
    return quarantine


async def in_charge(session: AsyncSession, quarantine_id: UUID) -> Quarantine:
    """A locked quarantine of the caller's own jurisdiction.

    A seat on its team lets the caller see it, not decide on it: raises `OutsideYourGrid`.
    """
    quarantine = await locked(session, quarantine_id)
    if not await session.scalar(select(_within_reach(quarantine.reach))):
        raise OutsideYourGrid("您只是该隔离人员的包保人员，须由其所在网格办理。")
    return quarantine


def _within_reach(reach: str) -> ColumnElement[bool]:
    place = literal(reach, PATH)
    return and_(
        place >= func.current_setting("onegrid.reach_from"),
        place < func.current_setting("onegrid.reach_to"),
    )


async def seats_of(session: AsyncSession, quarantine_id: UUID) -> list[CareSeat]:
    """The open seats of one team, in the order in which they were taken."""
    return (await open_seats(session, [quarantine_id])).get(quarantine_id, [])


async def open_seats(
    session: AsyncSession, quarantines: Sequence[UUID]
) -> dict[UUID, list[CareSeat]]:
    """The open seats of several teams."""
    statement = (
        select(CareSeat)
        .where(col(CareSeat.quarantine_id).in_(quarantines), col(CareSeat.ended_at).is_(None))
        .order_by(col(CareSeat.began_at), col(CareSeat.id))
    )
    teams: dict[UUID, list[CareSeat]] = {}
    for seat in await session.scalars(statement, execution_options={"populate_existing": True}):
        teams.setdefault(seat.quarantine_id, []).append(seat)
    return teams


async def seat_history(session: AsyncSession, quarantine_id: UUID) -> Sequence[CareSeat]:
    """Every seat that one team ever had, the latest first."""
    statement = (
        select(CareSeat)
        .where(col(CareSeat.quarantine_id) == quarantine_id)
        .order_by(col(CareSeat.began_at).desc(), col(CareSeat.id).desc())
    )
    return (await session.scalars(statement)).all()


async def whereabouts_of(session: AsyncSession, quarantine_id: UUID) -> Sequence[Whereabouts]:
    """The dated entries of one quarantine, the latest first."""
    statement = (
        select(Whereabouts)
        .where(
            col(Whereabouts.quarantine_id) == quarantine_id,
            col(Whereabouts.discarded_at).is_(None),
        )
        .order_by(col(Whereabouts.since_at).desc(), col(Whereabouts.until_at).desc().nulls_first())
    )
    return (await session.scalars(statement)).all()


async def page_of_quarantines(
    session: AsyncSession, wanted: Wanted, page: PageRequest
) -> Page[Quarantine]:
    """Quarantines in sight, those that began last first; raises `NotFound` for a grid unseen."""
    statement = select(Quarantine).where(*await _narrowing(session, wanted))
    keys = [col(Quarantine.started_on), col(Quarantine.id)]
    return await read_page(session, statement, keys, page, present=_itself, descending=True)


def _itself(quarantine: Quarantine) -> Quarantine:
    return quarantine


async def _narrowing(session: AsyncSession, wanted: Wanted) -> list[ColumnElement[bool]]:
    narrowing: Mapping[str, Any] = {
        "status": wanted.status and _stands(wanted.status),
        "resident": wanted.resident_id and col(Quarantine.resident_id) == wanted.resident_id,
        "whereabouts": wanted.whereabouts and _now(wanted.whereabouts),
        "due": wanted.due_on and and_(running(), col(Quarantine.planned_end_on) <= wanted.due_on),
    }
    clauses = list(await _below(session, wanted.grid_id))
    clauses += [clause for clause in narrowing.values() if clause is not None]
    if wanted.team_complete is not None:
        clauses += [running(), not_(lacks_team()) if wanted.team_complete else lacks_team()]
    return clauses


async def _below(session: AsyncSession, grid_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    return await below_grid(session, grid_id, col(Quarantine.reach), pointer="/query/grid_id")


def _stands(status: QuarantineStatus) -> ColumnElement[bool]:
    today = clock.today()
    if status is QuarantineStatus.active:
        return active_on(today)
    if status is QuarantineStatus.planned:
        return and_(running(), col(Quarantine.started_on) > today)
    return col(Quarantine.status) == status


def _now(kind: WhereaboutsKind) -> ColumnElement[bool]:
    there = select(col(Whereabouts.quarantine_id)).where(
        col(Whereabouts.kind) == kind, col(Whereabouts.until_at).is_(None)
    )
    return and_(running(), col(Quarantine.id).in_(there))


async def team_gaps(session: AsyncSession, grid_id: UUID | None) -> TeamGaps:
    """Per grid, how many of those in quarantine lack a complete team; whole grids are left out.

    Raises `NotFound` for a grid out of sight.
    """
    incomplete = func.count(case((lacks_team(), 1)))
    statement = (
        select(col(Grid.id), col(Grid.code), col(Grid.name), func.count(), incomplete)
        .join(Quarantine, col(Quarantine.grid_id) == Grid.id)
        .where(running(), *await _below(session, grid_id))
        .group_by(col(Grid.id), col(Grid.code), col(Grid.name), col(Grid.path))
        .order_by(col(Grid.path))
    )
    counted = (await session.execute(statement)).all()
    grids = [
        TeamGap(grid_id=id_, grid_code=code, grid_name=name, running=all_, incomplete=gaps)
        for id_, code, name, all_, gaps in counted
        if gaps
    ]
    everybody, lacking = sum(row[3] for row in counted), sum(grid.incomplete for grid in grids)
    return TeamGaps(grids=grids, running=everybody, incomplete=lacking)
