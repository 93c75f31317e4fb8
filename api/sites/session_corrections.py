"""A session put right: its hours, whom it needs, its campaign; what was told lies within it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, OutsideYourGrid
from api.foundation.records import former
from api.grids.models import Grid
from api.rosters.hours import Span
from api.rosters.models import DutyShift
from api.sites.campaigns import campaign_of
from api.sites.models import SessionStatus, Site, SiteSession
from api.sites.problems import SessionNotSo
from api.sites.queries import at_work, session_of
from api.sites.schemas import (
    SiteSessionCorrect,
    SiteSessionHistory,
    SiteSessionRead,
    SiteSessionRevision,
)
from api.sites.service import SETTING_UP, Planned, refuse_overlap

_HOURS = ("starts_at", "ends_at")


async def correct_session(
    session: AsyncSession,
    caller: Claims,
    session_id: UUID,
    said: SiteSessionCorrect,
    *,
    version: int,
) -> SiteSession:
    """Change what a session is to be, or was; the former version is kept.

    Raises `NotFound`, `OutsideYourGrid` for who is there on duty only, `SessionNotSo` for one that
    was called off, `SiteClosed`, `SessionsOverlap`, `InvalidInput`, `VersionMismatch`.
    """
    held, told = await _held(session, session_id), told_in(said)
    changes, before = _changes(said, told), Span(held.starts_at, held.ends_at)
    if told & {*_HOURS, "campaign_id"}:
        await _refuse_contradiction(session, held, changes)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, held, changes, correction)
    if told & set(_HOURS):
        await _tell_who_is_there(session, held, before)
    audit(
        session,
        caller,
        "site_sessions.correct",
        subject=held.id,
        reach=held.reach,
        details={"fields": sorted(told)},
    )
    return held


async def _held(session: AsyncSession, session_id: UUID) -> SiteSession:
    """The session as it is now, in the caller's reach, with its site kept from other plans."""
    held = await session_of(session, session_id)
    if await session.get(Grid, held.grid_id) is None:
        raise OutsideYourGrid
    await session.refresh(await session.get_one(Site, held.site_id), with_for_update=True)
    await session.refresh(held, with_for_update=True)
    if held.status is SessionStatus.cancelled:
        raise SessionNotSo("该场次已取消，不能更正。", session_status=held.status)
    return held


def _changes(said: SiteSessionCorrect, told: set[str]) -> dict[str, Any]:
    changes = said.model_dump(include=told)
    if "staffing" in told:
        changes["staffing"] = {role.value: number for role, number in said.staffing.items()}
    return changes


async def _refuse_contradiction(
    session: AsyncSession, held: SiteSession, changes: Mapping[str, Any]
) -> None:
    """Refuse hours that cannot be, or not with what was told there, and another campaign's days."""
    site = await session.get_one(Site, held.site_id)
    starts_at, ends_at = (changes.get(name, getattr(held, name)) for name in _HOURS)
    when = Planned(starts_at, ends_at, held.id, site)
    if changes.keys() & set(_HOURS):
        when.refuse_odd_hours()
        when.refuse_another_age()
        await refuse_overlap(session, when)
        await _refuse_what_was_done(session, held, when)
    campaign_id = changes.get("campaign_id", held.campaign_id)
    if campaign_id is not None:
        campaign = await campaign_of(session, campaign_id, pointer="/body/campaign_id")
        when.refuse_strange_campaign(campaign)


async def _refuse_what_was_done(session: AsyncSession, held: SiteSession, when: Planned) -> None:
    """Raise `InvalidInput` for hours with which its opening, closing or work do not agree."""
    opened_at, closed_at = held.opened_at, held.closed_at
    if opened_at is None:
        return
    if when.starts_at - opened_at > SETTING_UP:
        detail = "该场次开点比这早6小时以上，请核对开始时间。"
        raise InvalidInput(detail, pointer="/body/starts_at")
    if closed_at is not None and when.starts_at >= closed_at:
        raise InvalidInput("该场次在这之前已收点。", pointer="/body/starts_at")
    await _refuse_what_was_told(session, held.id, at_work(when, opened_at, closed_at))


# By the owner's right: those who came may live anywhere.
_TOLD = text("SELECT * FROM told_at_session(:id)")


async def _refuse_what_was_told(session: AsyncSession, session_id: UUID, hours: Span) -> None:
    """Raise `InvalidInput` where somebody was counted, sampled or vaccinated at another time."""
    begins, ends = hours.starts_at, hours.ends_at
    told = (await session.execute(_TOLD, {"id": session_id})).one()
    first = (
        (told.first_hour, begins.replace(minute=0, second=0, microsecond=0)),
        (told.first_sample, begins),
        (told.first_dose, clock.local_day(begins)),
    )
    last = (
        (told.last_hour, ends - timedelta.resolution),  # as an hour it begins within
        (told.last_sample, ends),
        (told.last_dose, clock.local_day(ends)),
    )
    if any(at is not None and at < bound for at, bound in first):
        detail = "在这之前已有登记的人数、采样或接种。"
        raise InvalidInput(detail, pointer="/body/starts_at")
    if any(at is not None and at > bound for at, bound in last):
        raise InvalidInput("在这之后已有登记的人数、采样或接种。", pointer="/body/ends_at")


async def _tell_who_is_there(session: AsyncSession, held: SiteSession, before: Span) -> None:
    """Tell whoever is on duty at the hours that were, or will be: their day has changed."""
    begins, ends = col(DutyShift.starts_at), col(DutyShift.ends_at)
    meets = [and_(begins < span.ends_at, ends > span.starts_at) for span in (before, held)]
    on_duty = select(DutyShift.worker_id).where(
        col(DutyShift.place_id) == held.site_id, col(DutyShift.discarded_at).is_(None), or_(*meets)
    )
    for worker in (await session.scalars(on_duty.distinct())).all():
        about, reach = held.id, held.reach
        await tell(session, "duties.changed", subject=about, reach=reach, worker=worker)


async def session_history(session: AsyncSession, session_id: UUID) -> SiteSessionHistory:
    """What was said of a session before each step and correction, oldest first."""
    held = await session_of(session, session_id)
    return SiteSessionHistory(
        items=[
            SiteSessionRevision(site_session=SiteSessionRead.model_validate(said), **replaced)
            for said, replaced in await former(session, held)
        ]
    )
