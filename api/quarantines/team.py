"""Arranging the care team of one quarantined person (四包一, M3.2): whole, or not at all.

Every change locks the quarantine, then the workers who join; whatever happens at the same moment
elsewhere, a team that was complete stays so, and nobody serves more persons than the policy allows.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.live import tell
from api.foundation.records import new_id
from api.protocols.models import CareTeamPolicy
from api.protocols.policies import CareTeamRule, Seat, lacking
from api.protocols.queries import care_team_rule, policy_of
from api.quarantines.models import CareSeat, Quarantine
from api.quarantines.problems import NotOnTheTeam, QuarantineEnded
from api.quarantines.queries import RUNNING, in_charge, seats_of
from api.quarantines.seating import (
    Candidate,
    candidates,
    chosen,
    refuse_overload,
    seat_row,
    seated,
)
from api.quarantines.team_queries import rule_of
from api.quarantines.team_schemas import TeamArrange, TeamReplace


async def arrange_team(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: TeamArrange
) -> Quarantine:
    """Make the team exactly these; whoever stays keeps the seat, nothing changes if all do.

    Raises `TeamBreaksPolicy`, `WorkerOverloaded`, `WorkerWithoutPost`, `QuarantineEnded`,
    `NotFound`, `OutsideYourGrid`.
    """
    quarantine, seats = await _open_team(session, quarantine_id)
    wanted = [member.worker_id for member in said.members]
    sitting = {seat.worker_id for seat in seats}
    # A member named twice stays twice in the list, so that the policy can say so.
    joining = [
        (worker, f"/body/members/{number}/worker_id")
        for number, worker in enumerate(wanted)
        if worker not in sitting or worker in wanted[:number]
    ]
    leaving = [seat for seat in seats if seat.worker_id not in wanted]
    change = Change(caller, quarantine, seats, said.reason)
    await change.make(session, leaving, joining, pointer="/body/members")
    return quarantine


async def replace_member(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: TeamReplace
) -> Quarantine:
    """Let one leave and another take over at one moment; sent twice, it is done once.

    Raises `NotOnTheTeam`, and what `arrange_team` raises.
    """
    quarantine, seats = await _open_team(session, quarantine_id)
    sitting = {seat.worker_id: seat for seat in seats}
    if said.out_worker_id not in sitting and said.in_worker_id in sitting:
        return quarantine
    leaving = _seat_of(seats, said.out_worker_id, pointer="/body/out_worker_id")
    change = Change(caller, quarantine, seats, said.reason)
    joining = [(said.in_worker_id, "/body/in_worker_id")]
    await change.make(session, [leaving], joining, pointer="/body/in_worker_id")
    return quarantine


async def dismiss_member(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, worker_id: UUID
) -> Quarantine:
    """Let one leave without a successor, where the policy can spare them.

    Raises `NotOnTheTeam`, and what `arrange_team` raises.
    """
    quarantine, seats = await _open_team(session, quarantine_id)
    leaving = _seat_of(seats, worker_id, pointer="/path/worker_id")
    change = Change(caller, quarantine, seats, None)
    await change.make(session, [leaving], [], pointer="/path/worker_id")
    return quarantine


async def _open_team(
    session: AsyncSession, quarantine_id: UUID
) -> tuple[Quarantine, list[CareSeat]]:
    quarantine = await in_charge(session, quarantine_id)
    if quarantine.status not in RUNNING:
        raise QuarantineEnded
    return quarantine, await seats_of(session, quarantine_id)


def _seat_of(seats: Sequence[CareSeat], worker: UUID, *, pointer: str) -> CareSeat:
    held = next((seat for seat in seats if seat.worker_id == worker), None)
    if held is None:
        raise NotOnTheTeam(pointer=pointer)
    return held


class Change:
    """One change of one team, made under the lock of its quarantine."""

    def __init__(
        self, caller: Claims, quarantine: Quarantine, seats: Sequence[CareSeat], reason: str | None
    ) -> None:
        self._caller = caller
        self._quarantine = quarantine
        self._seats = seats
        self._reason = reason

    async def make(
        self,
        session: AsyncSession,
        leaving: Sequence[CareSeat],
        joining: Sequence[tuple[UUID, str]],
        *,
        pointer: str,
    ) -> None:
        """End the seats of those who leave and seat those who join; all of it, or a problem."""
        rule = await rule_of(session, self._quarantine)
        people = await self._candidates(session, joining)
        staying = [as_seat(seat) for seat in self._seats if seat not in leaving]
        grown = len(staying) + len(people) > len(self._seats)
        taken = seated(rule, staying, people, pointer=pointer, exactly=grown)
        _refuse_overloads(rule, people, [where for _, where in joining])
        end_seats(leaving, by=self._caller.worker, reason=self._reason)
        await session.flush()
        at = clock.now()
        for person, seat in zip(people, taken, strict=True):
            session.add(seat_row(self._quarantine, person, seat, id_=new_id(), at=at))
        self._quarantine.team_complete = await self._whole(session, [*staying, *taken])
        self._note(session, leaving, people)
        await session.flush()
        if leaving or people:
            await tell_seats(session, self._quarantine, {seat.worker_id for seat in leaving})

    async def _candidates(
        self, session: AsyncSession, joining: Sequence[tuple[UUID, str]]
    ) -> list[Candidate]:
        found = await candidates(session, (worker for worker, _ in joining))
        return [chosen(found, worker, pointer=where) for worker, where in joining]

    async def _whole(self, session: AsyncSession, seats: Sequence[Seat]) -> bool:
        """By the policy that the quarantine began with; a stage's own is asked when it matters."""
        own = await policy_of(session, CareTeamPolicy, self._quarantine.care_policy_id)
        return not lacking(care_team_rule(own), seats)

    def _note(
        self, session: AsyncSession, leaving: Sequence[CareSeat], people: Sequence[Candidate]
    ) -> None:
        if leaving or people:
            audit(
                session,
                self._caller,
                "teams.arrange",
                subject=self._quarantine.id,
                reach=self._quarantine.reach,
                details={
                    "out": [str(seat.worker_id) for seat in leaving],
                    "in": [str(person.worker_id) for person in people],
                },
            )


def _refuse_overloads(
    rule: CareTeamRule, people: Sequence[Candidate], pointers: Sequence[str]
) -> None:
    for person, pointer in zip(people, pointers, strict=True):
        refuse_overload(rule, person, persons=person.persons, pointer=pointer)


def end_seats(seats: Collection[CareSeat], *, by: UUID, reason: str | None) -> None:
    """End these seats now; from the next request on they open no door."""
    for seat in seats:
        seat.ended_at = clock.now()
        seat.ended_by = by
        seat.ended_reason = reason
        seat.version += 1


def as_seat(seat: CareSeat) -> Seat:
    """A kept seat as the policy sees it."""
    return Seat(seat.worker_id, seat.role, seat.is_party_member)


async def tell_seats(session: AsyncSession, quarantine: Quarantine, left: Collection[UUID]) -> None:
    """Tell those who serve and those who lead, and each who left and sees the person no more."""
    subject, reach, grid = quarantine.id, quarantine.reach, quarantine.grid_id
    await tell(
        session, "duties.changed", subject=subject, reach=reach, grid=grid, quarantine=subject
    )
    for worker in left:
        await tell(
            session, "duties.changed", subject=subject, reach=reach, grid=grid, worker=worker
        )
