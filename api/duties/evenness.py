"""Who bears too much, and which seat given to somebody else would even it out (domain 4.6)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.access.permissions import Role
from api.protocols.policies import CareTeamRule, Seat, lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Somebody who serves: what they bear, how many persons they serve, as what they may."""

    worker_id: UUID
    load: float
    persons: int
    roles: tuple[Role, ...]
    is_party_member: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The team of one quarantined person, and how much of each member's load is this person's."""

    quarantine_id: UUID
    rule: CareTeamRule
    seats: tuple[Seat, ...]
    loads: Mapping[UUID, float]


@dataclass(frozen=True, slots=True)
class Reassignment:
    """One seat passed from one to another, and what both would bear then."""

    quarantine_id: UUID
    out_worker_id: UUID
    in_worker_id: UUID
    out_load: float
    in_load: float


@dataclass(frozen=True, slots=True)
class Bar:
    """Over which multiple of the mean, and from how much on, a load is uneven (M5.5).

    Less than `least` is too little to matter: two calls among twenty idle people burden nobody.
    """

    ratio: float
    least: float
    beyond_villages: bool

    def uneven(self, load: float, among: Sequence[float]) -> bool:
        """Whether a load is, beside those that it is compared with."""
        return load >= self.least and load > self.ratio * mean(among)


def mean(loads: Sequence[float]) -> float:
    """The mean load; nobody bears nothing."""
    return sum(loads) / len(loads) if loads else 0.0


def suggest(bearers: Iterable[Bearer], teams: Iterable[Team]) -> Reassignment | None:
    """The one seat whose passing on leaves whoever bears most with least; None where none does.

    Every team stays what its policy wants and nobody serves more persons than theirs allows. Both
    of the two bear less afterwards than the one did, so the largest load never grows.
    """
    people = {bearer.worker_id: bearer for bearer in bearers}
    ways = [way for team in teams for way in _ways(team, people)]
    most = max((bearer.load for bearer in people.values()), default=0.0)
    relieving = [way for way in ways if people[way.out_worker_id].load == most]
    return min(relieving, key=_order, default=None)


def _order(way: Reassignment) -> tuple[float, UUID, UUID]:
    return max(way.out_load, way.in_load), way.quarantine_id, way.in_worker_id


def _ways(team: Team, people: Mapping[UUID, Bearer]) -> Iterator[Reassignment]:
    sitting = {seat.worker_id for seat in team.seats}
    for seat in team.seats:
        leaving, passed = people.get(seat.worker_id), team.loads.get(seat.worker_id, 0.0)
        for joining in people.values():
            if leaving is None or joining.worker_id in sitting:
                continue
            if joining.load + passed < leaving.load and _may_join(team, seat, joining):
                yield Reassignment(
                    team.quarantine_id,
                    leaving.worker_id,
                    joining.worker_id,
                    leaving.load - passed,
                    joining.load + passed,
                )


def _may_join(team: Team, leaving: Seat, joining: Bearer) -> bool:
    """Whether the team stays whole in one of the roles they may take, within the policy's cap."""
    cap = team.rule.max_persons_per_worker
    if cap is not None and joining.persons >= cap:
        return False
    staying = [seat for seat in team.seats if seat is not leaving]
    return any(
        not lacking(team.rule, [*staying, Seat(joining.worker_id, role, joining.is_party_member)])
        for role in joining.roles
    )
