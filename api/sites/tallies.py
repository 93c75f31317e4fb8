"""Counting who came, by the hour and the counter; what is wrong is corrected openly."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, RecordDiffers, Source, create_once
from api.sites.models import SessionStatus, SessionTally, Site, SiteKind, SiteSession
from api.sites.problems import SessionNotSo
from api.sites.queries import hours_of, session_of
from api.sites.tally_schemas import (
    Counted,
    HourCounted,
    SessionTallyRead,
    TallyCorrect,
    TallyRecord,
)

_COUNTED = ("people", "doses", "tubes", "turned_away")


async def count_hour(
    session: AsyncSession, caller: Claims, session_id: UUID, said: TallyRecord
) -> tuple[SessionTally, bool]:
    """Keep what a counter had in an hour; returns it and whether it is new.

    Raises `NotFound`, `NotAColleague`, `SessionNotSo` before it was opened, `InvalidInput` for an
    hour that is none or lies outside the session and for doses where people are sampled,
    `HourAlreadyCounted`, `RecordDiffers`.
    """
    held = await session_of(session, session_id)
    _refuse_hour(held, said.hour_at)
    await _refuse_other_kind(session, held.site_id, said)
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    fields = fill_in(said, entered_by=caller.worker, source=Source.device, instants=("hour_at",))
    row = SessionTally(
        **fields,
        **said.model_dump(include={"hour_at", *_COUNTED}),
        site_session_id=held.id,
        site_id=held.site_id,
        grid_id=held.grid_id,
        reach=held.reach,
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.site_session_id != session_id:
        raise RecordDiffers(fields=["site_session_id"])
    if created:
        audit(session, caller, "session_tallies.record", subject=kept.id, reach=kept.reach)
    return kept, created


def _refuse_hour(held: SiteSession, hour_at: datetime) -> None:
    if held.status in (SessionStatus.planned, SessionStatus.cancelled):
        raise SessionNotSo("该场次尚未开点或已取消，不能登记人数。", session_status=held.status)
    if clock.local_time(hour_at).replace(hour=0).isoformat() != "00:00:00":
        raise InvalidInput("请填写整点。", pointer="/body/hour_at")
    hours = hours_of(held)
    begins = hours.starts_at.replace(minute=0, second=0, microsecond=0)
    if not begins <= hour_at < hours.ends_at:
        raise InvalidInput("该时段不在本场次之内。", pointer="/body/hour_at")
    refuse_the_future(hour_at, pointer="/body/hour_at")


async def _refuse_other_kind(
    session: AsyncSession, site_id: UUID, said: TallyRecord | TallyCorrect
) -> None:
    site = await session.get_one(Site, site_id)
    if site.kind is SiteKind.sampling and said.doses:
        raise InvalidInput("采样点没有接种剂数。", pointer="/body/doses")
    if site.kind is SiteKind.vaccination and said.tubes:
        raise InvalidInput("接种点没有采样管数。", pointer="/body/tubes")


async def tally_of(session: AsyncSession, tally_id: UUID) -> SessionTally:
    """One count; raises `NotFound`."""
    tally = await session.get(SessionTally, tally_id)
    if tally is None:
        raise NotFound("没有找到该条人数登记。")
    return tally


async def correct_tally(
    session: AsyncSession, caller: Claims, tally_id: UUID, said: TallyCorrect, *, version: int
) -> SessionTally:
    """Put a count right; raises `NotFound`, `VersionMismatch`, `InvalidInput` as `count_hour`."""
    tally = await tally_of(session, tally_id)
    await _refuse_other_kind(session, tally.site_id, said)
    changes = said.model_dump(include=told_in(said))
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, tally, changes, correction)
    audit(session, caller, "session_tallies.correct", subject=tally.id, reach=tally.reach)
    return tally


_HOURS = text("""
    SELECT hour_at, sum(people)::integer AS people, sum(doses)::integer AS doses,
        sum(tubes)::integer AS tubes, sum(turned_away)::integer AS turned_away
    FROM session_tallies WHERE site_session_id = :id AND discarded_at IS NULL
    GROUP BY hour_at ORDER BY hour_at
""")
_NAMED = text("""
    SELECT (coalesce(sum(t.member_count), 0) + (
        SELECT count(*) FROM vaccinations AS v
        WHERE v.site_session_id = :id AND v.discarded_at IS NULL
    ))::integer
    FROM sample_tubes AS t WHERE t.site_session_id = :id AND t.discarded_at IS NULL
""")


async def tallied(session: AsyncSession, session_id: UUID) -> SessionTallyRead:
    """A session by the hour, and beside it how many were registered by name; raises `NotFound`."""
    held = await session_of(session, session_id)
    rows = (await session.execute(_HOURS, {"id": held.id})).all()
    hours = [HourCounted.model_validate(row) for row in rows]
    total = Counted(**{name: sum(getattr(each, name) for each in hours) for name in _COUNTED})
    named: int = await session.scalar(_NAMED, {"id": held.id}) or 0
    return SessionTallyRead(hours=hours, total=total, named=named, difference=total.people - named)
