"""Who comes home to the township in these weeks, from where, and what becomes of it (M2.4)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from uuid import UUID

from api.arrivals.models import Transport
from api.demo.families import Household, Resident
from api.demo.names import VILLAGES
from api.demo.quarantines import who_may_return
from api.demo.township import Hamlet, Township
from api.foundation import clock
from api.protocols.models import RiskLevel

HISTORY_DAYS = 8
_TIMES_IN_THE_WHOLE_TOWNSHIP = 2


class Fate(Enum):
    """What becomes of somebody's coming."""

    expected = auto()
    overdue = auto()
    arrived = auto()
    verified = auto()
    undecided = auto()
    controlled = auto()
    untested = auto()
    unchecked = auto()
    unfit = auto()
    released = auto()
    departed = auto()
    transferred = auto()
    invalid = auto()


CONTROLLED = frozenset(
    {Fate.controlled, Fate.untested, Fate.unchecked, Fate.unfit, Fate.released},
)
"""Whose plan a leader confirmed."""

PRESENT = CONTROLLED | {Fate.arrived, Fate.verified, Fate.undecided, Fate.departed}
"""Who has come."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody comes from, by the divisions that ship with the service, and how."""

    code: str
    transport: Transport
    number: str


@dataclass(frozen=True, slots=True)
class RiskArea:
    """An entry of the list; somebody who was there is of its level."""

    code: str
    name: str
    level: RiskLevel
    announcement: str


HIGH = Origin("451026101", Transport.coach, "G8021次客车")
COUNTY = Origin("451026100", Transport.private_car, "青B20220")
PREFECTURE = Origin("451000", Transport.train, "D8417次")
FAR = Origin("440305001", Transport.train, "G2927次")
FARTHER = Origin("441900003", Transport.private_car, "东C66018")
ISLAND = Origin("460203", Transport.air, "QZ6105")

RISK_AREAS = (
    RiskArea("451026101", "岭边县云坡镇", RiskLevel.high, "县防控指挥部2022年第5号公告（演示）"),
    RiskArea("451026", "岭边县", RiskLevel.affected_county, "县防控指挥部2022年第5号公告（演示）"),
    RiskArea(
        "451000", "百岭市", RiskLevel.affected_prefecture, "市防控指挥部2022年第9号公告（演示）"
    ),
)

# Fate, origin, and how many days ago; the whole township sees it twice.
_SCRIPT: tuple[tuple[Fate, Origin, int], ...] = (
    (Fate.released, PREFECTURE, 8),
    (Fate.released, PREFECTURE, 8),
    (Fate.untested, PREFECTURE, 7),
    (Fate.controlled, PREFECTURE, 6),
    (Fate.controlled, PREFECTURE, 4),
    (Fate.controlled, PREFECTURE, 3),
    (Fate.controlled, PREFECTURE, 1),
    (Fate.released, COUNTY, 8),
    (Fate.controlled, COUNTY, 7),
    (Fate.controlled, COUNTY, 6),
    (Fate.controlled, COUNTY, 2),
    (Fate.controlled, HIGH, 5),
    (Fate.controlled, HIGH, 1),
    (Fate.controlled, FAR, 1),
    (Fate.unfit, FAR, 1),
    (Fate.unchecked, FARTHER, 1),
    (Fate.released, ISLAND, 5),
    (Fate.verified, FAR, 6),
    (Fate.verified, FARTHER, 5),
    (Fate.verified, FAR, 4),
    (Fate.verified, ISLAND, 3),
    (Fate.verified, FAR, 2),
    (Fate.verified, FARTHER, 2),
    (Fate.departed, FAR, 7),
    (Fate.departed, ISLAND, 5),
    (Fate.transferred, COUNTY, 3),
    (Fate.invalid, FAR, 4),
    (Fate.undecided, PREFECTURE, 1),
    (Fate.undecided, COUNTY, 1),
    (Fate.arrived, FAR, 1),
    (Fate.arrived, FARTHER, 1),
    (Fate.arrived, FAR, 1),
    (Fate.overdue, FAR, 1),
    (Fate.expected, PREFECTURE, 0),
    (Fate.expected, FAR, 0),
    (Fate.expected, FARTHER, 0),
    (Fate.expected, FAR, -1),
    (Fate.expected, COUNTY, -1),
    (Fate.expected, ISLAND, -1),
    (Fate.expected, FAR, -2),
    (Fate.expected, FAR, -2),
    (Fate.expected, HIGH, -2),
    (Fate.expected, FARTHER, -3),
    (Fate.expected, FAR, -3),
    (Fate.expected, FAR, -4),
    (Fate.expected, ISLAND, -5),
    (Fate.controlled, FAR, 3),
)
_TO_THE_FIRST_HAMLET = frozenset({0, 4, 15, 27, 29, 33, 37, 46})
"""Of each kind somebody, so that whoever signs in there has a full day."""


@dataclass(frozen=True, slots=True)
class Homecoming:
    """One person of the register who lives elsewhere and comes back."""

    id: UUID
    number: int
    hamlet: Hamlet
    household: Household
    resident: Resident
    fate: Fate
    origin: Origin
    day: date
    reported_on: date

    @property
    def arrives_at(self) -> datetime:
        """Before one in the afternoon; who has not been looked up yet came at four."""
        at = time(16 if self.fate is Fate.arrived else 8 + self.number % 5, 7 * self.number % 60)
        return datetime.combine(self.day, at, clock.TOWNSHIP_ZONE)

    @property
    def decided_at(self) -> datetime:
        """When a leader confirms the plan: too late for the temperature of that morning."""
        return self.arrives_at + timedelta(hours=3, minutes=30)

    @property
    def is_reported_before(self) -> bool:
        """Some tell nobody before they stand at the door."""
        return self.fate not in PRESENT or self.number % 7 != 6  # noqa: PLR2004 - one in seven


def come_home(township: Township, quarantined: Collection[UUID]) -> list[Homecoming]:
    """Everybody who comes, village by village, none of whom is in quarantine already."""
    times = _TIMES_IN_THE_WHOLE_TOWNSHIP if len(township.villages) == len(VILLAGES) else 1
    taken, made = set(quarantined), list[Homecoming]()
    for number, (fate, origin, days_ago) in enumerate(_SCRIPT * times):
        hamlet = _hamlet(township, number)
        household, resident = _somebody(township, number, hamlet, taken)
        taken.add(resident.id)
        today = township.chance.as_of
        day = today - timedelta(days=days_ago)
        made.append(
            Homecoming(
                id=township.chance.id("arrival", number),
                number=number,
                hamlet=hamlet,
                household=household,
                resident=resident,
                fate=fate,
                origin=origin,
                day=day,
                reported_on=min(day - timedelta(days=2), today - timedelta(days=1)),
            )
        )
    return made


def _hamlet(township: Township, number: int) -> Hamlet:
    if number in _TO_THE_FIRST_HAMLET:
        return township.hamlets[0]
    turn, place = divmod(number, len(township.villages))
    hamlets = township.villages[place].hamlets
    return hamlets[(turn + 1) % len(hamlets)]


def _somebody(
    township: Township, number: int, hamlet: Hamlet, taken: Collection[UUID]
) -> tuple[Household, Resident]:
    homes = hamlet.households
    shuffled = township.chance.of("homecoming", number).sample(homes, len(homes))
    return next(
        (household, person)
        for household in shuffled
        for person in who_may_return(township, household)
        if person.id not in taken
    )
