"""The 31 people in home quarantine by hand, the four who serve each, where they are (S2; S1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from api.access.permissions import Role
from api.demo.families import ADULT, Household, Resident
from api.demo.names import VILLAGES
from api.demo.township import Hamlet, Place, Post, Township, Village, Worker
from api.foundation import clock
from api.protocols.documents import Stage
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import QuarantineReason

PERSONS, FEWEST_PERSONS = 31, 8
DAYS = 14
HISTORY_DAYS = 6
LACKS_A_TEAM, IN_HOSPITAL, AWAY_APPROVED, AWAY_BREACH = 2, 3, 4, 5
"""The numbers of those whose quarantine has a story; the others' goes as it should."""

_RETURNS_UNTIL = 55
_REASONS = (
    *[QuarantineReason.affected_area] * 5,
    *[QuarantineReason.medium_risk_area] * 2,
    QuarantineReason.high_risk_area,
)
_STAYS = {
    IN_HOSPITAL: (WhereaboutsKind.in_hospital, time(10, 20), "县人民医院", "发热，由乡卫生院转送"),
    AWAY_APPROVED: (
        WhereaboutsKind.away_approved,
        time(9, 30),
        "县人民医院",
        "经批准闭环送往透析，两天后返回",
    ),
    AWAY_BREACH: (WhereaboutsKind.away_breach, time(19, 50), "去向不明", "晚间上门时不在家"),
}


@dataclass(frozen=True, slots=True)
class Stay:
    """Where a quarantined person has been since an instant."""

    id: UUID
    kind: WhereaboutsKind
    since: datetime
    destination: str
    note: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One person's quarantine; `stay` says where they are instead of where they should be.

    One by a plan has its first stage here, and at a site a `nurse` instead of a team.
    """

    id: UUID
    number: int
    hamlet: Hamlet
    household: Household
    resident: Resident
    reason: QuarantineReason
    started_on: date
    last_on: date
    team: list[Post]
    stay: Stay | None = None
    stage: Stage | None = None
    nurse: Worker | None = None
    begins_at: datetime | None = None

    @property
    def carers(self) -> list[Worker]:
        """Who goes there: the team, and before there is one the head of the hamlet."""
        nurses = [self.nurse] if self.nurse else [self.hamlet.worker]
        return [post.worker for post in self.team] or nurses

    def is_open(self, at: datetime) -> bool:
        """Whether somebody may be measured then; where nothing else is told, on its whole days."""
        begun = self.begins_at is None or self.begins_at <= at
        return begun and self.started_on <= clock.local_day(at) <= self.last_on


def quarantine(township: Township) -> list[Quarantine]:
    """Put those who returned under home quarantine, village by village, each with a team."""
    persons = round(PERSONS * len(township.villages) / len(VILLAGES))
    made: list[Quarantine] = []
    for number in range(max(persons, FEWEST_PERSONS)):
        made.append(_make(township, number, made))
    return made


def _make(township: Township, number: int, made: list[Quarantine]) -> Quarantine:
    turn, place = divmod(number, len(township.villages))
    village = township.villages[place]
    hamlet = village.hamlets[turn // 2 % len(village.hamlets)]
    rolls = township.chance.of("quarantine", number)
    # Every other turn somebody came home together with the one of the turn before.
    together = [made[number - len(township.villages)].household] if turn % 2 else []
    already = {each.resident.id for each in made}
    household, resident = next(
        (household, person)
        for household in [*together, *rolls.sample(hamlet.households, len(hamlet.households))]
        for person in who_may_return(township, household)
        if person.id not in already
    )
    started_on = township.chance.as_of - timedelta(days=rolls.randint(2, HISTORY_DAYS - 1))
    return Quarantine(
        id=township.chance.id("quarantine", number),
        number=number,
        hamlet=hamlet,
        household=household,
        resident=resident,
        reason=QuarantineReason.close_contact if number == 0 else rolls.choice(_REASONS),
        started_on=started_on,
        last_on=started_on + timedelta(days=DAYS - 1),
        team=[] if number == LACKS_A_TEAM else team_of(township, number, village, hamlet),
        stay=_stay(township, number),
    )


def who_may_return(township: Township, household: Household) -> Iterator[Resident]:
    """The adults of a large enough household whom the net does not need, the young first."""
    serving = {worker.phone for worker in township.workers}
    if len(household.residents) > 1:
        for person in reversed(household.residents):
            if ADULT <= person.age <= _RETURNS_UNTIL and person.phone not in serving:
                yield person


def team_of(township: Township, number: int, village: Village, hamlet: Hamlet) -> list[Post]:
    """Four different people, at least one a party member (四包一, M3.2).

    The hamlet's head, the village doctor and a party member; fourth comes the leader of the grid,
    a police officer, or now and then somebody from the next village.
    """
    villages = township.villages
    neighbour = villages[(villages.index(village) + 1) % len(villages)]
    officer = _holder(township, Role.police_officer, number)
    fourth = (
        _holder(neighbour, Role.village_doctor),
        _holder(hamlet, Role.grid_leader),
        officer,
        _holder(hamlet, Role.grid_leader),
    )[number % 4]
    three = [
        _holder(hamlet, Role.grid_worker),
        _holder(village, Role.village_doctor),
        _party_member(village, hamlet, number),
    ]
    taken = fourth.worker.id in {post.worker.id for post in three}
    return [*three, officer if taken else fourth]


def _party_member(village: Village, hamlet: Hamlet, number: int) -> Post:
    """One of the hamlet's own; where it has none, a member of the village committee."""
    own = [post for post in hamlet.posts if post.role is Role.party_member]
    return own[number % len(own)] if own else _holder(village, Role.cadre)


def _holder(place: Place, role: Role, number: int = 0) -> Post:
    held = [post for post in place.posts if post.role is role]
    return held[number % len(held)]


def _stay(township: Township, number: int) -> Stay | None:
    if number not in _STAYS:
        return None
    kind, at, destination, note = _STAYS[number]
    yesterday = township.chance.as_of - timedelta(days=1)
    since = datetime.combine(yesterday, at, clock.TOWNSHIP_ZONE)
    return Stay(township.chance.id("stay", number), kind, since, destination, note)
