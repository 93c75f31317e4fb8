"""What becomes of care seats when a post ends or a worker leaves the party (M1.7, M3.2).

A worker may sit on teams of other grids, beyond the reach of whoever ends the post: their seats are
read and passed on through functions of the cell's owner.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.permissions import Role
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.live import tell
from api.foundation.records import new_id
from api.grids.handover import (
    Handover,
    Leaving,
    before_leaving_the_party,
    counts_duties,
    on_handover,
)
from api.protocols.models import CareTeamPolicy
from api.protocols.policies import CareTeamRule, Seat, lacking
from api.protocols.queries import care_team_rule, policy_of
from api.quarantines.problems import (
    PartyMemberNeeded,
    SeatsNotPassedOn,
    TeamBreaksPolicy,
    WorkerOverloaded,
)
from api.quarantines.seating import (
    Candidate,
    candidates,
    chosen,
    lock_workers,
    refuse_overload,
    seated,
    told,
)

CARE_SEATS = "care_seats"


class HeldSeat(NamedTuple):
    """A seat that a worker holds, with the rest of its team."""

    seat_id: UUID
    quarantine_id: UUID
    reach: str
    rule: CareTeamRule
    own: Seat
    others: list[Seat]


_TEAMS = text("SELECT * FROM teams_of(:member, :today)")
_PASS = text("SELECT pass_seat(:seat, :new_seat, :successor, :role, :passed_by, :why, :at)")
_LEAVE_PARTY = text("SELECT seats_leave_party(:member)")


async def held_seats(session: AsyncSession, worker: UUID) -> list[HeldSeat]:
    """Every open seat of a worker, wherever it is; their quarantines and the worker are locked."""
    asked = {"member": worker, "today": clock.today()}
    await session.execute(_TEAMS, asked)
    await lock_workers(session, [worker])
    rows = (await session.execute(_TEAMS, asked)).all()
    rules: dict[UUID, CareTeamRule] = {}
    for policy_id in {row.care_policy_id for row in rows}:
        rules[policy_id] = care_team_rule(await policy_of(session, CareTeamPolicy, policy_id))
    teams = groupby(rows, key=lambda row: row.quarantine_id)
    return [_held(worker, list(team), rules) for _, team in teams]


def _held(worker: UUID, team: Sequence[Any], rules: dict[UUID, CareTeamRule]) -> HeldSeat:
    seats = {row.seat_id: Seat(row.worker_id, Role(row.role), row.is_party_member) for row in team}
    own = next(row for row in team if row.worker_id == worker)
    return HeldSeat(
        seat_id=own.seat_id,
        quarantine_id=own.quarantine_id,
        reach=own.seat_reach,
        rule=rules[own.care_policy_id],
        own=seats.pop(own.seat_id),
        others=list(seats.values()),
    )


def _ending(seats: Iterable[HeldSeat], leaving: Leaving) -> list[HeldSeat]:
    """The same choice as `Leaving.covers`, of seats that a query in reach would not show."""
    within = (leaving.reach, f"{leaving.reach}/")
    return [seat for seat in seats if leaving.last or within[0] <= seat.reach < within[1]]


@counts_duties("quarantines")
async def open_seats(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """How many seats end with a post."""
    return {CARE_SEATS: len(_ending(await held_seats(session, leaving.worker), leaving))}


@on_handover("quarantines")
async def pass_seats(session: AsyncSession, caller: Claims, handover: Handover) -> dict[str, int]:
    """Give every seat to the successor, or refuse them all.

    Raises `SeatsNotPassedOn` naming each quarantine whose team the successor would break.
    """
    seats = _ending(await held_seats(session, handover.worker), handover)
    if not seats:
        return {}
    found = await candidates(session, [handover.successor])
    successor = chosen(found, handover.successor, pointer="/body/successor_worker_id")
    roles = _roles(seats, successor)
    for seat in seats:
        await session.execute(
            _PASS,
            {
                "seat": seat.seat_id,
                "new_seat": new_id(),
                "successor": successor.worker_id,
                "role": roles[seat.seat_id],
                "passed_by": caller.worker,
                "why": handover.reason,
                "at": clock.now(),
            },
        )
    await _tell(session, seats, handover.worker)
    return {CARE_SEATS: len(seats)}


async def _tell(session: AsyncSession, seats: Iterable[HeldSeat], leaving: UUID) -> None:
    """Tell each team, and whoever left and sees those persons no more."""
    for seat in seats:
        subject, reach = seat.quarantine_id, seat.reach
        await tell(session, "duties.changed", subject=subject, reach=reach, quarantine=subject)
        await tell(session, "duties.changed", subject=subject, reach=reach, worker=leaving)


def _roles(seats: Sequence[HeldSeat], successor: Candidate) -> dict[UUID, Role]:
    roles: dict[UUID, Role] = {}
    refused: list[dict[str, Any]] = []
    for number, seat in enumerate(seats):
        try:
            pointer = "/body/successor_worker_id"
            [taken] = seated(seat.rule, seat.others, [successor], pointer=pointer, exactly=False)
            persons = successor.persons + number
            refuse_overload(seat.rule, successor, persons=persons, pointer=pointer)
            roles[seat.seat_id] = taken.role
        except (TeamBreaksPolicy, WorkerOverloaded) as problem:
            named = {"quarantine_id": str(seat.quarantine_id), "detail": problem.said}
            refused.append(named | {"missing": problem.members.get("missing", [])})
    if refused:
        raise SeatsNotPassedOn(pointer="/body/successor_worker_id", quarantines=refused)
    return roles


@before_leaving_the_party("quarantines")
async def keep_party_members(session: AsyncSession, worker: UUID) -> None:
    """See that no team needs the worker as a party member; their seats then say so no more.

    Raises `PartyMemberNeeded` naming the quarantines whose team would break.
    """
    broken: list[dict[str, Any]] = []
    for seat in await held_seats(session, worker):
        team = [*seat.others, replace(seat.own, is_party_member=False)]
        shortfalls = lacking(seat.rule, team)
        if shortfalls:
            lacks = told(seat.rule, team, shortfalls)
            broken.append({"quarantine_id": str(seat.quarantine_id), "missing": lacks})
    if broken:
        raise PartyMemberNeeded(quarantines=broken)
    await session.execute(_LEAVE_PARTY, {"member": worker})
