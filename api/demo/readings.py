"""Two temperatures a day for everybody in quarantine, as they were taken, refused or forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID

from api.demo.chance import happens
from api.demo.quarantines import IN_HOSPITAL, Quarantine
from api.demo.township import Township, Worker
from api.foundation import clock
from api.protocols.models import WhereaboutsKind
from api.protocols.symptoms import Symptom
from api.readings.models import Method, NotTakenReason

# Both windows of the day: from, and within how many minutes a careful team has been to everybody.
_WINDOWS = {"morning": (time(7, 35), 90), "evening": (time(17, 35), 150)}
_EVENING_OPENS = time(15)
_CLOSES = {"morning": time(11), "evening": time(21)}
_LATE_BY = timedelta(hours=3, minutes=30)
_NORMAL = (36.0, 36.2, 36.3, 36.4, 36.5, 36.5, 36.6, 36.6, 36.7, 36.8, 36.9)

# Person, days ago, window: the temperature and what they complained of.
_FEVERS: dict[tuple[int, int, str], tuple[float, tuple[Symptom, ...]]] = {
    (IN_HOSPITAL, 2, "evening"): (37.4, (Symptom.fatigue,)),
    (IN_HOSPITAL, 1, "morning"): (38.3, (Symptom.fever, Symptom.dry_cough)),
    (6, 1, "evening"): (37.5, (Symptom.sore_throat,)),
    (7, 1, "morning"): (37.3, ()),
    (9, 2, "evening"): (37.9, (Symptom.fever, Symptom.headache)),
    (9, 1, "morning"): (37.1, ()),
}
_REFUSES = 1
_MISSED_TODAY, _MISSED = 0.15, 0.02
_ABNORMAL = 37.3
_NOTE = "已告知村医，嘱多饮水、一小时后复测"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came of one window of one person: a temperature, or why there is none."""

    id: UUID
    quarantine: Quarantine
    by: Worker
    day: date
    window: str
    at: datetime
    value_c: float
    method: Method
    symptoms: tuple[Symptom, ...] = ()
    note: str | None = None
    not_taken: NotTakenReason | None = None

    @property
    def is_abnormal(self) -> bool:
        """By the policy that ships with the service, or because they complain of something."""
        taken = self.not_taken is None
        return taken and (self.value_c >= _ABNORMAL or bool(self.symptoms))

    @property
    def is_late(self) -> bool:
        """Whether the window had closed when somebody came."""
        return clock.local_time(self.at) >= _CLOSES[self.window]


def measure(
    township: Township, quarantines: Sequence[Quarantine], *, now: datetime
) -> list[Measurement]:
    """Everything measured, or tried, from the first day of each quarantine until now."""
    return [
        made
        for quarantine in quarantines
        for day in _days(quarantine.started_on, min(quarantine.last_on, township.chance.as_of))
        for window in _WINDOWS
        if (made := _measurement(township, quarantine, day, window)) and made.at <= now
        if quarantine.is_open(made.at)
    ]


def fresh_fever(township: Township, quarantine: Quarantine, *, at: datetime) -> Measurement:
    """Somebody is found with a fever just now, in the window that is open or ended last."""
    evening = clock.local_time(at) >= _EVENING_OPENS
    return Measurement(
        id=township.chance.id("reading", "fresh"),
        quarantine=quarantine,
        by=quarantine.carers[0],
        day=clock.local_day(at),
        window="evening" if evening else "morning",
        at=at,
        value_c=38.2,
        method=Method.electronic,
        note=_NOTE,
    )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _measurement(
    township: Township, quarantine: Quarantine, day: date, window: str
) -> Measurement | None:
    chance, key = township.chance, ("reading", quarantine.number, day, window)
    rolls = chance.of(*key)
    at = _on_the_round(rolls, day, window)
    days_ago = (chance.as_of - day).days
    fever = _FEVERS.get((quarantine.number, days_ago, window))
    stay = quarantine.stay
    if stay and stay.kind is WhereaboutsKind.away_approved and at >= stay.since:
        return None
    if fever is None and happens(rolls, _MISSED_TODAY if days_ago == 0 else _MISSED):
        return None
    if fever is None and happens(rolls, 0.04):
        at += _LATE_BY
    value, symptoms = fever or (rolls.choice(_NORMAL), ())
    return Measurement(
        id=chance.id(*key),
        quarantine=quarantine,
        by=rolls.choice(quarantine.carers[:2]),
        day=day,
        window=window,
        at=at,
        value_c=value,
        method=rolls.choice((Method.electronic, Method.electronic, Method.mercury)),
        symptoms=symptoms,
        note=_NOTE if fever else None,
        not_taken=_why_not(rolls, quarantine, at),
    )


def _on_the_round(rolls: Random, day: date, window: str) -> datetime:
    began, minutes = _WINDOWS[window]
    first = datetime.combine(day, began, clock.TOWNSHIP_ZONE)
    return first + timedelta(minutes=rolls.randrange(minutes))


def _why_not(rolls: Random, quarantine: Quarantine, at: datetime) -> NotTakenReason | None:
    """In hospital the thermometer is the hospital's; who is gone cannot be measured."""
    if quarantine.stay is not None and at >= quarantine.stay.since:
        in_hospital = quarantine.number == IN_HOSPITAL
        return NotTakenReason.in_hospital if in_hospital else NotTakenReason.absent
    refuses = quarantine.number == _REFUSES and happens(rolls, 0.4)
    return NotTakenReason.refused if refuses else None
