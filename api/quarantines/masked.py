"""Quarantines as the wire shows them: person, team and whereabouts, places and phones masked."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import mask_address, mask_phone
from api.foundation.pages import Page
from api.protocols.models import CareTeamPolicy, MonitoringPolicy
from api.protocols.policies import lacking, missing
from api.quarantines.course_queries import courses_now
from api.quarantines.models import CareSeat, Quarantine, Whereabouts
from api.quarantines.queries import RUNNING, day_number, open_seats, seat_history, standing
from api.quarantines.schemas import (
    QuarantineRead,
    QuarantineRevealed,
    SeatRead,
    WhereaboutsNow,
    WhereaboutsRead,
    WhereaboutsRevealed,
)
from api.quarantines.seating import shortfall_read
from api.quarantines.team import as_seat
from api.quarantines.team_queries import care_policy_today, rule_of, team_complete
from api.quarantines.team_schemas import SeatHistory, TeamRead
from api.registry.masked import opened
from api.registry.models import Resident


class About(NamedTuple):
    """What is told of a quarantine from other tables."""

    resident_name: str
    phone_sealed: bytes | None
    care_policy: str
    team_complete: bool
    monitoring_policy: str


async def shown(session: AsyncSession, quarantine: Quarantine) -> QuarantineRead:
    """One quarantine as the wire shows it."""
    return (await _all_shown(session, [quarantine]))[0]


async def shown_page(session: AsyncSession, page: Page[Quarantine]) -> Page[QuarantineRead]:
    """A page of them; six statements, however many there are."""
    items = await _all_shown(session, page.items)
    return Page[QuarantineRead](items=items, next_cursor=page.next_cursor)


async def _all_shown(
    session: AsyncSession, quarantines: Sequence[Quarantine]
) -> list[QuarantineRead]:
    if not quarantines:
        return []
    ids = [quarantine.id for quarantine in quarantines]
    about = await _about(session, ids)
    teams = await open_seats(session, ids)
    places = await _whereabouts_now(session, ids)
    courses = await courses_now(session, quarantines)
    return [
        QuarantineRead(
            **_own(session, each),
            **courses[each.id],
            **_of_others(session, about[each.id]),
            team_complete=_complete(each, about[each.id]),
            team=[shown_seat(seat) for seat in teams.get(each.id, [])],
            whereabouts=places.get(each.id),
        )
        for each in quarantines
    ]


async def _about(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, About]:
    statement = (
        select(
            col(Quarantine.id),
            col(Resident.name),
            col(Resident.phone_sealed),
            col(CareTeamPolicy.code),
            team_complete(col(CareTeamPolicy.id)),
            col(MonitoringPolicy.code),
        )
        .join(Resident, col(Resident.id) == Quarantine.resident_id)
        .join(CareTeamPolicy, col(CareTeamPolicy.id) == care_policy_today())
        .join(MonitoringPolicy, col(MonitoringPolicy.id) == Quarantine.monitoring_policy_id)
        .where(col(Quarantine.id).in_(ids))
    )
    rows = await session.execute(statement)
    return {row[0]: About(*row[1:]) for row in rows}


async def _whereabouts_now(
    session: AsyncSession, ids: Sequence[UUID]
) -> dict[UUID, WhereaboutsNow]:
    statement = select(
        col(Whereabouts.quarantine_id), col(Whereabouts.kind), col(Whereabouts.since_at)
    ).where(col(Whereabouts.quarantine_id).in_(ids), col(Whereabouts.until_at).is_(None))
    entries = await session.execute(statement)
    return {id_: WhereaboutsNow(kind=kind, since_at=since) for id_, kind, since in entries}


_OWN = set(QuarantineRead.model_fields) & set(Quarantine.model_fields) - {
    "status",
    "category",
    "team_complete",
}


def _own(session: AsyncSession, quarantine: Quarantine) -> dict[str, Any]:
    place = opened(keyring_of(session), quarantine.place_sealed, context="quarantines.place")
    today = clock.today()
    return {
        **quarantine.model_dump(include=_OWN),
        "place": mask_address(place) if place else None,
        "status": standing(quarantine, today),
        "day_number": day_number(quarantine, today),
    }


def _complete(quarantine: Quarantine, about: About) -> bool:
    """The seats of one that is over have ended: whether they were whole was said before."""
    return about.team_complete if quarantine.status in RUNNING else quarantine.team_complete


def _of_others(session: AsyncSession, about: About) -> dict[str, Any]:
    phone = opened(keyring_of(session), about.phone_sealed, context="residents.phone")
    return {
        "resident_name": about.resident_name,
        "resident_phone": mask_phone(phone) if phone else None,
        "care_policy": about.care_policy,
        "monitoring_policy": about.monitoring_policy,
    }


def shown_seat(seat: CareSeat) -> SeatRead:
    return SeatRead(
        id=seat.id,
        worker_id=seat.worker_id,
        name=seat.worker_name,
        role=seat.role,
        is_party_member=seat.is_party_member,
        began_at=seat.began_at,
    )


def shown_whereabouts(session: AsyncSession, entry: Whereabouts) -> WhereaboutsRead:
    """One dated entry, its destination masked."""
    sealed = entry.destination_sealed
    destination = opened(keyring_of(session), sealed, context="whereabouts.destination")
    return WhereaboutsRead(
        **entry.model_dump(include=set(WhereaboutsRead.model_fields)),
        destination=mask_address(destination) if destination else None,
        has_note=entry.note_sealed is not None,
    )


def revealed(
    session: AsyncSession, quarantine: Quarantine, entries: Iterable[Whereabouts]
) -> QuarantineRevealed:
    """The plain values of a quarantine; whoever calls this has a reason on record."""
    keys = keyring_of(session)
    return QuarantineRevealed(
        id=quarantine.id,
        place=opened(keys, quarantine.place_sealed, context="quarantines.place"),
        end_note=opened(keys, quarantine.end_note_sealed, context="quarantines.end_note"),
        whereabouts=[
            WhereaboutsRevealed(
                id=entry.id,
                destination=opened(
                    keys, entry.destination_sealed, context="whereabouts.destination"
                ),
                note=opened(keys, entry.note_sealed, context="whereabouts.note"),
            )
            for entry in entries
        ],
    )


async def shown_team(session: AsyncSession, quarantine: Quarantine) -> TeamRead:
    """The team of a quarantine with what it lacks and who served before, the latest first."""
    seats = await seat_history(session, quarantine.id)
    open_now = [as_seat(seat) for seat in seats if seat.ended_at is None]
    rule = await rule_of(session, quarantine)
    runs = quarantine.status in RUNNING
    lacks = missing(rule, open_now) if runs else []
    return TeamRead(
        quarantine_id=quarantine.id,
        complete=not lacking(rule, open_now) if runs else quarantine.team_complete,
        missing=[shortfall_read(rule, open_now, lack) for lack in lacks],
        seats=[
            SeatHistory(
                **shown_seat(seat).model_dump(),
                ended_at=seat.ended_at,
                ended_by=seat.ended_by,
                ended_reason=seat.ended_reason,
            )
            for seat in seats
        ],
    )
