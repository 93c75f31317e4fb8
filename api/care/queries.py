"""Reading calls: what was said, whom nobody has met since, what is still to be asked."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.care.follow_ups import WhichFollowUps, follow_ups
from api.care.models import CallKind, CallOutcome, CareCall
from api.care.schemas import (
    CareCallRead,
    OwedVisit,
    ReleaseFollowUp,
    ReleaseFollowUps,
)
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, page_of, read_page, start_of
from api.foundation.problems import NotFound
from api.grids.queries import lying_in
from api.quarantines.queries import NOT_IN_HOSPITAL, quarantine_of
from api.registry.models import Resident
from api.releases.models import Release

NOTE = "care_calls.note"
"""The context in which the notes of calls are sealed."""


class CallFilter(BaseModel):
    """Which calls are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    quarantine_id: UUID | None = None
    day: date | None = None
    kind: CallKind | None = None
    outcome: CallOutcome | None = None


async def call_of(session: AsyncSession, call_id: UUID) -> CareCall:
    """The call; raises `NotFound`."""
    call = await session.get(CareCall, call_id)
    if call is None:
        raise NotFound("没有找到该通话记录，或不在您的网格范围内。")
    return call


async def calls(session: AsyncSession, wanted: CallFilter, page: PageRequest) -> Page[CareCallRead]:
    """Calls that count, the latest first."""
    statement = select(CareCall).where(
        col(CareCall.discarded_at).is_(None),
        *await lying_in(session, col(CareCall.grid_id), wanted.grid_id),
    )
    for name, value in wanted.model_dump(exclude_none=True, exclude={"grid_id"}).items():
        statement = statement.where(col(getattr(CareCall, name)) == value)
    keys = [col(CareCall.called_at), col(CareCall.id)]
    return await read_page(session, statement, keys, page, present=present, descending=True)


def present(call: CareCall) -> CareCallRead:
    """A call as the wire shows it; its note stays sealed."""
    told: Mapping[str, Any] = call.model_dump()
    return CareCallRead(**told, has_note=call.note_sealed is not None)


# Met is whoever was visited or measured at the door; a call that gets through is later than the
# one that did not, so the last call decides. Whose quarantine is over is owed no call of each day.
_OWED = text(f"""
    SELECT q.id AS quarantine_id, q.resident_id, r.name AS resident_name, q.household_id, q.grid_id,
        last.id AS call_id, last.called_at
    FROM (
        SELECT DISTINCT ON (quarantine_id) id, quarantine_id, called_at, outcome, kind
        FROM care_calls
        WHERE discarded_at IS NULL AND day >= :since
        ORDER BY quarantine_id, called_at DESC, id DESC
    ) AS last
    JOIN quarantines q ON q.id = last.quarantine_id
    JOIN residents r ON r.id = q.resident_id
    WHERE last.outcome = 'unreachable'
        AND (q.status IN ('planned', 'active')
            OR q.status = 'released' AND last.kind = 'follow_up')
        AND {NOT_IN_HOSPITAL}
        AND NOT EXISTS (
            SELECT FROM knocks(ARRAY[q.household_id], last.called_at, 'infinity')
        )
        AND NOT EXISTS (
            SELECT FROM readings m WHERE m.quarantine_id = q.id AND m.discarded_at IS NULL
                AND m.source = 'visit' AND m.measured_at > last.called_at
        )
        AND (CAST(:from_at AS timestamptz) IS NULL
            OR (last.called_at, q.id) > (CAST(:from_at AS timestamptz), CAST(:after AS uuid)))
    ORDER BY last.called_at, q.id LIMIT :limit
""")


async def visits_owed(
    session: AsyncSession, page: PageRequest, *, since: date | None
) -> Page[OwedVisit]:
    """Whom the care line did not reach since a day and nobody has met after that (M3.6).

    Without a day, in the last two weeks. Who waits longest comes first.
    """
    from_at, after = start_of(page, [datetime, UUID])
    begins = since or clock.today() - timedelta(days=14)
    told = {"since": begins, "from_at": from_at, "after": after, "limit": page.limit + 1}
    rows = (await session.execute(_OWED, told)).mappings().all()
    return page_of(rows, page, ("called_at", "quarantine_id"), present=OwedVisit.model_validate)


async def follow_ups_of(
    session: AsyncSession, quarantine_id: UUID, which: WhichFollowUps
) -> ReleaseFollowUps:
    """The follow-ups of one release, those due by today or to come; raises `NotFound`."""
    await quarantine_of(session, quarantine_id)
    release = (
        await session.scalars(select(Release).where(Release.quarantine_id == quarantine_id))
    ).one_or_none()
    if release is None:
        return ReleaseFollowUps(items=[])
    made = await session.scalars(
        select(CareCall).where(
            col(CareCall.quarantine_id) == quarantine_id, col(CareCall.discarded_at).is_(None)
        )
    )
    resident, today = await session.get(Resident, release.resident_id), clock.today()
    died_on = resident.left_on if resident is not None and resident.died else None
    told = follow_ups(release, made, today, died_on=died_on)
    found = [each for each in told if which.includes(each, today)]
    return ReleaseFollowUps(items=[ReleaseFollowUp.model_validate(each) for each in found])
