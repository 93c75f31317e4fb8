"""Reading sites and sessions: those in reach, and those where the caller is on duty."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.permissions import Permission
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.grids.queries import lying_in
from api.health_records.sessions import Held, knows_sessions
from api.rosters import places, staffing
from api.rosters.hours import Span
from api.rosters.models import DutyPlace, DutyShift
from api.sites.models import SessionStatus, Site, SiteKind, SiteRole, SiteSession
from api.sites.schemas import Manning, OnSiteDuty, SessionStaffing, SiteRead, SiteSessionRead


class SiteFilter(BaseModel):
    """Which sites are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    kind: SiteKind | None = None
    open: bool | None = None


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are wanted; what is left out does not narrow."""

    site_id: UUID | None = None
    campaign_id: UUID | None = None
    day: date | None = None
    status: SessionStatus | None = None


async def site_of(session: AsyncSession, site_id: UUID, *, pointer: str | None = None) -> Site:
    """The site; raises `NotFound`."""
    site = await session.get(Site, site_id)
    if site is None:
        raise NotFound("没有找到该站点，或不在您的网格和值班范围内。", pointer=pointer)
    return site


async def session_of(session: AsyncSession, session_id: UUID) -> SiteSession:
    """The session of a site; raises `NotFound`."""
    found = await session.get(SiteSession, session_id)
    if found is None:
        raise NotFound("没有找到该场次，或不在您的网格和值班范围内。")
    return found


def at_work(planned: Span, opened_at: datetime | None, closed_at: datetime | None) -> Span:
    """The hours of a session: as planned, and as much earlier or later as it was open."""
    return Span(
        min(planned.starts_at, opened_at or planned.starts_at),
        max(planned.ends_at, closed_at or clock.now()),
    )


def hours_of(held: SiteSession) -> Span:
    """The hours of a session as it is kept."""
    return at_work(Span(held.starts_at, held.ends_at), held.opened_at, held.closed_at)


# By the owner's right: what is told late is told of a session at which the shift is over.
_TOLD_OF = text("SELECT * FROM sessions_told_of(CAST(:ids AS uuid[]))")


@knows_sessions
async def sessions_told_of(session: AsyncSession, ids: Collection[UUID]) -> list[Held]:
    """The sessions at which tubes and doses are said to have been told."""
    never = (SessionStatus.planned, SessionStatus.cancelled)
    return [
        Held(
            row.id,
            vaccinates=row.kind == SiteKind.vaccination,
            opened=row.status not in never,
            first=clock.local_day(hours.starts_at),
            last=clock.local_day(hours.ends_at),
        )
        for row in await session.execute(_TOLD_OF, {"ids": list(ids)})
        for hours in [at_work(Span(row.starts_at, row.ends_at), row.opened_at, row.closed_at)]
    ]


async def sites(session: AsyncSession, wanted: SiteFilter, page: PageRequest) -> Page[SiteRead]:
    """Sites by name."""
    statement = select(Site).where(*await lying_in(session, col(Site.grid_id), wanted.grid_id))
    if wanted.kind is not None:
        statement = statement.where(col(Site.kind) == wanted.kind)
    if wanted.open is not None:
        now, closed_at = clock.now(), col(Site.closed_at)
        stands = or_(closed_at.is_(None), closed_at > now) & (col(Site.opened_at) <= now)
        statement = statement.where(stands if wanted.open else ~stands)
    keys = [col(Site.name), col(Site.id)]
    return await read_page(session, statement, keys, page, present=SiteRead.model_validate)


async def sessions(
    session: AsyncSession, wanted: SessionFilter, page: PageRequest
) -> Page[SiteSessionRead]:
    """Sessions, those that begin first before the others."""
    statement = select(SiteSession)
    if wanted.site_id is not None:
        statement = statement.where(col(SiteSession.site_id) == wanted.site_id)
    if wanted.campaign_id is not None:
        statement = statement.where(col(SiteSession.campaign_id) == wanted.campaign_id)
    if wanted.status is not None:
        statement = statement.where(col(SiteSession.status) == wanted.status)
    if wanted.day is not None:
        begins, ends = clock.day_bounds(wanted.day)
        starts_at, ends_at = col(SiteSession.starts_at), col(SiteSession.ends_at)
        statement = statement.where(starts_at < ends, ends_at > begins)
    keys = [col(SiteSession.starts_at), col(SiteSession.id)]
    return await read_page(session, statement, keys, page, present=SiteSessionRead.model_validate)


@places.manned(DutyPlace.site, by=Permission.sites_manage)
async def manned_sites(session: AsyncSession, wanted: places.Wanting) -> list[places.Place]:
    """The sites as places where somebody may be on duty."""
    found = await session.scalars(wanted.rows(Site))
    told = {"id", "name", "grid_id", "reach", "opened_at", "closed_at"}
    return [places.Place(**site.model_dump(include=told)) for site in found]


@staffing.needing(DutyPlace.site)
async def needs_of_sites(session: AsyncSession, wanted: staffing.Wanted) -> list[staffing.Need]:
    """Whom the sessions of sites need, each for as long as it is to last."""
    statement = (
        select(SiteSession, Site)
        .join(Site, col(Site.id) == col(SiteSession.site_id))
        .where(
            col(SiteSession.status) != SessionStatus.cancelled,
            col(SiteSession.starts_at) < wanted.whole.ends_at,
            col(SiteSession.ends_at) > wanted.whole.starts_at,
        )
    )
    statement = statement.where(*wanted.narrow(col(Site.id), col(Site.grid_id)))
    return [
        staffing.Need(
            place_id=site.id,
            place_name=site.name,
            span=Span(held.starts_at, held.ends_at),
            staffing={SiteRole(role).label: number for role, number in held.staffing.items()},
            codes=SiteRole.labels(),
        )
        for held, site in await session.execute(statement)
    ]


async def staffing_of(session: AsyncSession, held: SiteSession) -> SessionStaffing:
    """Who is on the roster for a session, role by role, and who is missing (精确到点、责任到人).

    A role of the roster is told by its code or its label; what a session did not ask for is told
    after what it did.
    """
    statement = (
        select(DutyShift)
        .where(
            col(DutyShift.place_id) == held.site_id,
            col(DutyShift.discarded_at).is_(None),
            col(DutyShift.starts_at) < held.ends_at,
            col(DutyShift.ends_at) > held.starts_at,
        )
        .order_by(col(DutyShift.starts_at), col(DutyShift.worker_name))
    )
    there: dict[str, list[DutyShift]] = {}
    for shift in await session.scalars(statement):
        there.setdefault(_label(shift.role), []).append(shift)
    needed = {SiteRole(role).label: number for role, number in held.staffing.items()}
    items = [
        _manning(role, needed.get(role, 0), there.get(role, []))
        for role in dict.fromkeys([*needed, *there])
    ]
    return SessionStaffing(items=items, missing=sum(each.missing for each in items))


def _label(role: str | None) -> str:
    if role is None:
        return "未分工"
    return SiteRole(role).label if role in SiteRole.labels() else role


def _manning(role: str, needed: int, shifts: list[DutyShift]) -> Manning:
    people = [
        OnSiteDuty(
            shift_id=each.id,
            worker_id=each.worker_id,
            worker_name=each.worker_name,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
        )
        for each in shifts
    ]
    there = len({each.worker_id for each in shifts})
    return Manning(role=role, needed=needed, missing=max(0, needed - there), people=people)
