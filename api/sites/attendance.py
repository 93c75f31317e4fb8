"""Who stands at a site, wherever they live: looked up there, and opened for the telling alone.

As at a gate, the answer is what the work needs, it is noted where the person lives, and whoever
searches is slowed down. What a look-up opens lasts one transaction; the address, the household, and
what else is known of them, is never told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.checkpoints.gates import Sought
from api.checkpoints.searching import refuse_searching
from api.foundation import clock
from api.foundation.database import driver_of, keyring_of
from api.foundation.identity import mask_name
from api.foundation.problems import NotFound
from api.foundation.records import new_id
from api.sites.attendance_schemas import SiteLookUpAsk, SiteLookUpRead
from api.sites.models import SessionStatus, Site, SiteKind, SiteLookUp, SiteSession
from api.sites.problems import LookUpOver, OtherKindOfSite, SessionNotSo
from api.sites.queries import session_of

MOST = 150
"""Look-ups of one worker within `WITHIN`: more than two hands can swab, too few to search."""

AFTERWARDS = timedelta(hours=12)
"""For how long after a session what was found may be told of: as long as its shifts stay open."""

_FOUND = text("""
    SELECT person_id, home_reach, name, doses, exempt
    FROM person_at_gate(NULL, :document, :phone, :called, :day, :at, NULL)
""")


async def look_up(session: AsyncSession, caller: Claims, said: SiteLookUpAsk) -> SiteLookUpRead:
    """Who stands there, if the township knows them.

    Raises `NotFound`, `SessionNotSo` before the session was opened, and `TooMany` with the seconds
    to wait.
    """
    held, kind = await session_at_work(session, said.site_session_id)
    now = clock.now()
    door = await driver_of(session)
    await refuse_searching(door, "site_look_ups", caller.worker, now, most=MOST)
    sought = Sought.by(said, keyring_of(session), person=None, name=said.name)
    whom = {"document": sought.document, "phone": sought.phone, "called": said.name}
    told = {**whom, "day": clock.local_day(now), "at": now}
    person: Any = (await session.execute(_FOUND, told)).first()
    row = SiteLookUp(
        id=new_id(),
        site_id=held.site_id,
        site_session_id=held.id,
        reach=held.reach,
        worker_id=caller.worker,
        at=now,
        person_id=person.person_id if person else None,
        keep_until=max(held.ends_at, now) + AFTERWARDS,
    )
    session.add(row)
    subject, reach = (person.person_id, person.home_reach) if person else (row.id, row.reach)
    details = {"site_session_id": str(held.id)}
    audit(session, caller, "sites.look-up", subject=subject, reach=reach, details=details)
    return _answer(row, person, doses=kind is SiteKind.vaccination)


def _answer(row: SiteLookUp, person: Any, *, doses: bool) -> SiteLookUpRead:
    """Doses are what a vaccination needs; whoever takes a swab is not told of them."""
    told = person if doses else None
    return SiteLookUpRead(
        id=row.id,
        known=person is not None,
        name=mask_name(person.name) if person else None,
        doses=told.doses if told else None,
        contraindicated=told.exempt if told else None,
        at=row.at,
        keep_until=row.keep_until,
    )


async def session_at_work(
    session: AsyncSession, session_id: UUID, needed: SiteKind | None = None
) -> tuple[SiteSession, SiteKind]:
    """A session that was opened, and what is done there.

    Raises `NotFound`, `SessionNotSo`, and `OtherKindOfSite` where something else is done.
    """
    held = await session_of(session, session_id)
    if held.status in (SessionStatus.planned, SessionStatus.cancelled):
        raise SessionNotSo("该场次尚未开点或已取消，不能登记。", session_status=held.status)
    kind = (await session.get_one(Site, held.site_id)).kind
    if needed not in (None, kind):
        raise OtherKindOfSite
    return held, kind


@dataclass(frozen=True, slots=True)
class Opened:
    """Whom look-ups found, in the order asked, until when each holds, and the grids above them."""

    residents: Sequence[UUID]
    keep_until: datetime
    grids: Mapping[str, UUID]

    def refuse_if_over(self) -> None:
        """Raise `LookUpOver` for what is told of somebody too long after they were looked up."""
        if self.keep_until < clock.now():
            raise LookUpOver


_OPEN = text("SELECT * FROM open_to_site(:held, CAST(:named AS uuid[]))")


async def open_to_site(
    session: AsyncSession, held: SiteSession, look_ups: Mapping[str, UUID]
) -> Opened:
    """Open whom the caller looked up at this session, by pointer, until the transaction ends.

    Raises `NotFound` with the pointer of a look-up that is not the caller's, or that found nobody.
    """
    told = {"held": held.id, "named": list(look_ups.values())}
    rows: dict[UUID, Any] = {row.look_up_id: row for row in await session.execute(_OPEN, told)}
    for pointer, look_up_id in look_ups.items():
        if look_up_id not in rows:
            raise NotFound("没有这次查询，或没有查到本人，请重新查询。", pointer=pointer)
    return Opened(
        residents=[rows[each].resident_id for each in look_ups.values()],
        keep_until=min(row.keep_until for row in rows.values()),
        grids={path: UUID(grid) for row in rows.values() for path, grid in row.line.items()},
    )


async def open_all_to_site(session: AsyncSession, held: SiteSession) -> None:
    """Open everybody whom the caller looked up at this session, until the transaction ends."""
    await session.execute(_OPEN, {"held": held.id, "named": None})
