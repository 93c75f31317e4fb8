"""Setting up sites and running their sessions: planned, open, closed, results in (M4.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.field_records import EARLIEST
from api.foundation.fields import Place
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, create_once
from api.grids.queries import open_grid_in_reach
from api.rosters.closing import end_shifts
from api.rosters.hours import Span
from api.sites.campaigns import campaign_of
from api.sites.models import SamplingCampaign, SessionStatus, Site, SiteSession
from api.sites.problems import SessionNotSo, SessionsOverlap, SiteClosed
from api.sites.queries import session_of, site_of
from api.sites.schemas import SiteCorrect, SiteRecord, SiteSessionRecord

_CLOSED = "站点停用"
_LONGEST = timedelta(hours=24)
_LATEST = timedelta(days=366)
SETTING_UP = timedelta(hours=6)
"""How long before its beginning a session is opened at most: before that it is another's turn."""

_AFTER = {
    SessionStatus.open: SessionStatus.planned,
    SessionStatus.closed: SessionStatus.open,
    SessionStatus.results_in: SessionStatus.closed,
    SessionStatus.cancelled: SessionStatus.planned,
}
"""What each state of a session follows upon."""

_STAMPS = {
    SessionStatus.open: "opened_at",
    SessionStatus.closed: "closed_at",
    SessionStatus.results_in: "results_in_at",
}


async def set_up(session: AsyncSession, caller: Claims, said: SiteRecord) -> tuple[Site, bool]:
    """Keep a site; returns it and whether it is new.

    Raises `NotFound`, `GridClosed`, `RecordDiffers`.
    """
    grid = await open_grid_in_reach(session, said.grid_id, pointer="/body/grid_id")
    row = Site(
        **said.model_dump(exclude={"place", "opened_at"}),
        **_coordinates(said.place),
        version=1,
        reach=grid.path,
        opened_at=said.opened_at or clock.now(),
    )
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        audit(session, caller, "sites.set_up", subject=kept.id, reach=kept.reach)
    return kept, created


def _coordinates(place: Place | None) -> dict[str, Any]:
    names = ("latitude", "longitude", "datum", "accuracy_m")
    return {name: getattr(place, name, None) for name in names}


async def change_site(
    session: AsyncSession, caller: Claims, site_id: UUID, said: SiteCorrect, *, version: int
) -> Site:
    """Change a site, or close it; raises `NotFound`, `VersionMismatch`, `InvalidInput`."""
    site = await site_of(session, site_id)
    told = told_in(said)
    changes = said.model_dump(include=told - {"place"})
    if "place" in told:
        changes |= _coordinates(said.place)
    closed_at: datetime | None = changes.get("closed_at")
    if closed_at is not None and closed_at < site.opened_at:
        raise InvalidInput("停用时间不能早于启用时间。", pointer="/body/closed_at")
    await correct(session, site, changes, Correction(version, by=caller.worker))
    if closed_at is not None:
        await end_shifts(session, caller, site.id, closed_at=closed_at, reason=_CLOSED)
        await _call_off(session, caller, site.id, since=max(closed_at, clock.now()))
    audit(session, caller, "sites.change", subject=site.id, reach=site.reach)
    return site


async def _call_off(
    session: AsyncSession, caller: Claims, site_id: UUID, *, since: datetime
) -> None:
    """Let no session take place at a site that is no longer used: nobody could open it."""
    planned = select(SiteSession.id).where(
        col(SiteSession.site_id) == site_id,
        col(SiteSession.status) == SessionStatus.planned,
        col(SiteSession.starts_at) >= since,
    )
    for held in (await session.scalars(planned.order_by(col(SiteSession.id)))).all():
        await take_step(session, caller, held, SessionStatus.cancelled, reason=_CLOSED)


@dataclass(frozen=True, slots=True)
class Planned(Span):
    """A session and the hours that are meant for it, before they are kept."""

    id: UUID
    site: Site

    def refuse_odd_hours(self) -> None:
        """Raise `InvalidInput` for hours that are none or too many, `SiteClosed` after its end."""
        if not timedelta() < self.ends_at - self.starts_at <= _LONGEST:
            raise InvalidInput("结束须晚于开始，一场最长 24 小时。", pointer="/body/ends_at")
        if self.site.closed_at is not None and self.site.closed_at < self.ends_at:
            raise SiteClosed

    def refuse_another_age(self) -> None:
        """Raise `InvalidInput` for a year mistyped."""
        if not EARLIEST <= self.starts_at <= clock.now() + _LATEST:
            raise InvalidInput("开始时间应在2015年至一年后之间。", pointer="/body/starts_at")

    def refuse_strange_campaign(self, campaign: SamplingCampaign) -> None:
        """Raise `InvalidInput` for a campaign of another kind, or of other days."""
        if campaign.kind is not self.site.kind:
            detail = f"该行动是{campaign.kind.label}行动，该站点不办理。"
            raise InvalidInput(detail, pointer="/body/campaign_id")
        first, last = clock.local_day(self.starts_at), clock.local_day(self.ends_at)
        if last < campaign.from_on or first > campaign.to_on:
            raise InvalidInput("场次不在该行动的起止日期之内。", pointer="/body/starts_at")


async def plan_session(
    session: AsyncSession, caller: Claims, said: SiteSessionRecord
) -> tuple[SiteSession, bool]:
    """Plan one opening of a site; returns it and whether it is new.

    Raises `NotFound`, `SiteClosed`, `InvalidInput`, `SessionsOverlap`, `RecordDiffers`.
    """
    site = await site_of(session, said.site_id, pointer="/body/site_id")
    await session.refresh(site, with_for_update=True)  # of two planned at once, one sees the other
    when = Planned(said.starts_at, said.ends_at, said.id, site)
    when.refuse_odd_hours()
    row = SiteSession(
        **said.model_dump(exclude={"staffing"}),
        staffing={role.value: number for role, number in said.staffing.items()},
        version=1,
        grid_id=site.grid_id,
        reach=site.reach,
        status=SessionStatus.planned,
        planned_at=clock.now(),
        planned_by=caller.worker,
    )
    campaign = said.campaign_id and await campaign_of(
        session, said.campaign_id, pointer="/body/campaign_id"
    )
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        when.refuse_another_age()
        if campaign is not None:
            when.refuse_strange_campaign(campaign)
        await refuse_overlap(session, when)
        audit(session, caller, "site_sessions.plan", subject=kept.id, reach=kept.reach)
    return kept, created


async def refuse_overlap(session: AsyncSession, when: Planned) -> None:
    """Raise `SessionsOverlap`: whoever is on duty there, or counts, would be of two sessions."""
    ends_at = func.coalesce(col(SiteSession.closed_at), col(SiteSession.ends_at))
    statement = select(SiteSession.id).where(
        col(SiteSession.site_id) == when.site.id,
        col(SiteSession.id) != when.id,
        col(SiteSession.status) != SessionStatus.cancelled,
        col(SiteSession.starts_at) < when.ends_at,
        func.least(ends_at, col(SiteSession.ends_at)) > when.starts_at,
    )
    other = (await session.scalars(statement.order_by(col(SiteSession.starts_at)).limit(1))).first()
    if other is not None:
        raise SessionsOverlap(site_session_id=str(other))


async def take_step(
    session: AsyncSession,
    caller: Claims,
    session_id: UUID,
    status: SessionStatus,
    *,
    reason: str | None = None,
) -> SiteSession:
    """Let a session go on to its next state; already there, it is left as it is.

    Raises `NotFound`, `SessionNotSo`, also for opening a site that is no longer used, or long
    before the session is to begin: nobody could take that back.
    """
    held = await session_of(session, session_id)
    await session.refresh(held, with_for_update=True)
    if held.status is status:
        return held
    if held.status is not _AFTER[status]:
        raise SessionNotSo(session_status=held.status)
    if status is SessionStatus.open:
        await _refuse_opening(session, held)
    stamp = _STAMPS.get(status)
    changes: dict[str, Any] = {"status": status}
    changes |= {stamp: clock.now()} if stamp else {"cancelled_reason": reason}
    await correct(session, held, changes, Correction(held.version, by=caller.worker))
    action = f"site_sessions.{status}"
    audit(session, caller, action, subject=held.id, reach=held.reach)
    return held


async def _refuse_opening(session: AsyncSession, held: SiteSession) -> None:
    closed_at = (await session.get_one(Site, held.site_id)).closed_at
    if closed_at is not None and closed_at <= clock.now():
        raise SessionNotSo("该站点已停用，不能开点。", session_status=held.status)
    if held.starts_at - clock.now() > SETTING_UP:
        detail = "离开始还早，请核对是不是这一场；开始前6小时内才能开点。"
        raise SessionNotSo(detail, session_status=held.status)
