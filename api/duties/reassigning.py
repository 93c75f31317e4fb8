"""Which seat passed on would even out the work, by what today's teams have before them (M5.5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from api.access.permissions import Role
from api.duties.evenness import Bar, Bearer, Reassignment, Team, suggest
from api.duties.work_done import TEAMS
from api.duties.workload_schemas import Suggestion, TeamReplaceBody
from api.foundation import clock
from api.protocols.models import CareTeamPolicy
from api.protocols.policies import Seat, lacking
from api.protocols.queries import care_team_rule
from api.readings.batches import Desk

_REASON: Final = "包保工作量不均，调整包保人员"


class Share(Protocol):
    """What one worker bore: in all, and of the daily care of each person."""

    @property
    def load(self) -> float: ...
    @property
    def care(self) -> Mapping[UUID, float]: ...


Shares = Mapping[UUID, Share]
"""By worker, in one village."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """The teams as they are now, and what a team needs to know of the workers."""

    teams: list[Team]
    people: Mapping[UUID, Any]

    def suggestion(self, workers: Shares, bar: Bar) -> Suggestion | None:
        """None where nothing would be better, or today's teams are even already.

        A period that is over stays as uneven as it was; what was passed on since is not suggested
        once more.
        """
        teams = [_weighed(team, workers) for team in self.teams]
        loads = _as_seated(teams, workers)
        bearers = self._bearers(loads)
        most = max((bearer.load for bearer in bearers), default=0.0)
        way = suggest(bearers, teams) if bar.uneven(most, list(loads.values())) else None
        return way and _told(way)

    def _bearers(self, loads: Mapping[UUID, float]) -> list[Bearer]:
        return [
            Bearer(
                worker_id=worker,
                load=load,
                persons=self.people[worker]["persons"],
                roles=tuple(Role(role) for role in self.people[worker]["roles"]),
                is_party_member=self.people[worker]["is_party_member"],
            )
            for worker, load in loads.items()
            if worker in self.people
        ]


def _weighed(team: Team, workers: Shares) -> Team:
    """With what each member bears for the person: of a whole team, an equal part of the care."""
    borne = {worker: share.care.get(team.quarantine_id, 0.0) for worker, share in workers.items()}
    seats = [seat.worker_id for seat in team.seats]
    if lacking(team.rule, team.seats):
        return replace(team, loads={worker: borne.get(worker, 0.0) for worker in seats})
    return replace(team, loads=dict.fromkeys(seats, sum(borne.values()) / len(seats)))


def _as_seated(teams: Iterable[Team], workers: Shares) -> dict[UUID, float]:
    """What each would have borne, had the whole teams of today served all the time."""
    loads = {worker: share.load for worker, share in workers.items()}
    for team in teams:
        if not lacking(team.rule, team.seats):
            for worker, share in workers.items():
                loads[worker] += team.loads.get(worker, 0.0)
                loads[worker] -= share.care.get(team.quarantine_id, 0.0)
    return loads


async def arranged_below(
    desk: Desk, place: str, shares: Mapping[Any, Mapping[UUID, Any]]
) -> Arranged:
    """The teams below a place, and the workers of all villages there."""
    teams: list[Team] = []
    for row in await desk.connection.fetch(TEAMS, place, clock.today()):
        policy = orjson.loads(row["policy"])
        seats = tuple(
            Seat(UUID(seat["worker_id"]), Role(seat["role"]), seat["is_party_member"])
            for seat in orjson.loads(row["seats"])
        )
        rule = care_team_rule(CareTeamPolicy.model_validate(policy))
        teams.append(Team(quarantine_id=row["quarantine_id"], rule=rule, seats=seats, loads={}))
    # What a team needs to know of these workers, wherever they are registered.
    wanted = list({worker for village in shares.values() for worker in village})
    statement = "SELECT * FROM care_candidates($1::uuid[], $2)"
    rows = await desk.connection.fetch(statement, wanted, clock.now()) if teams else []
    return Arranged(teams, {row["worker_id"]: row for row in rows})


def _told(way: Reassignment) -> Suggestion:
    return Suggestion(
        path=f"/v1/quarantines/{way.quarantine_id}/team/replace",
        body=TeamReplaceBody(
            out_worker_id=way.out_worker_id, in_worker_id=way.in_worker_id, reason=_REASON
        ),
        out_load=round(way.out_load, 2),
        in_load=round(way.in_load, 2),
    )
