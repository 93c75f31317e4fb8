"""The days before somebody starts the demonstration, put together from what happened in each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain, groupby
from uuid import UUID

from api.demo import bodies
from api.demo.aftercare import care_for
from api.demo.alarms import cough, fever, lonely, rounds
from api.demo.arrivals import arrivals, rules
from api.demo.campaign import campaign
from api.demo.controlled import Controlled, control
from api.demo.days import at
from api.demo.diary import Deed, Happening, Hour
from api.demo.errands import errands
from api.demo.families import Resident
from api.demo.gates import Passage, Shift, come_by, passes, rosters, set_up
from api.demo.homecomings import HISTORY_DAYS, Homecoming, come_home
from api.demo.leads import Lead, received, trace
from api.demo.movements import leave_to_decide, stays, transfers
from api.demo.orders import orders
from api.demo.proofs import proofs
from api.demo.quarantines import (
    AWAY_BREACH,
    IN_HOSPITAL,
    LACKS_A_TEAM,
    Quarantine,
    quarantine,
)
from api.demo.readings import Measurement, fresh_fever, measure
from api.demo.sign_ins import OFFICE, SECRETARY
from api.demo.systems import systems
from api.demo.township import Township
from api.demo.verifying import worked_off
from api.foundation import clock

_MINUTE = timedelta(minutes=1)
_FRESH = 9 * _MINUTE
_ROUND_TOLD = {
    ("morning", False): time(10, 40),
    ("morning", True): time(12, 50),
    ("evening", False): time(20, 56),
    ("evening", True): time(23, 50),
}
_UNFINISHED = (LACKS_A_TEAM, IN_HOSPITAL, AWAY_BREACH)
_WORK_FALLS_DUE = ((8, 45), (12, 10), (16, 20), (19, 30), (22, 15))


@dataclass(frozen=True, slots=True)
class Story:
    """Everybody with whom something happens until `now`; the `taken` by ids of residents."""

    township: Township
    now: datetime
    by_hand: list[Quarantine]
    coming: list[Homecoming]
    controlled: list[Controlled]
    leads: list[Lead]
    passing: list[Passage]
    shifts: list[Shift]
    taken: set[UUID]

    @property
    def quarantines(self) -> list[Quarantine]:
        """By hand, and by the plans of the protocols."""
        return [*self.by_hand, *(each for _, each in self.controlled)]


def invent(township: Township, *, now: datetime) -> Story:
    """The story of a township, the same whenever it is told."""
    by_hand = quarantine(township)
    coming = come_home(township, {each.resident.id for each in by_hand})
    taken = {each.resident.id for each in (*by_hand, *coming)}
    return Story(
        township=township,
        now=now,
        by_hand=by_hand,
        coming=coming,
        controlled=[*control(township, coming)],
        leads=trace(township, by_hand, taken),
        passing=come_by(township, taken, now=now),
        shifts=rosters(township, now=now),
        taken=taken,
    )


def happenings(story: Story) -> Iterator[Happening]:
    """All of it, in no order; some would happen only later today."""
    chance, now = story.township.chance, story.now
    told = chain(
        rules(chance),
        arrivals(chance, story.coming, story.controlled),
        _begun_by_hand(story),
        stays(chance, story.by_hand),
        care_for(chance, story.controlled),
        transfers(chance, story.controlled, now=now),
        orders(story.township, now=now),
        errands(chance, story.by_hand, now=now),
    )
    yield from told
    yield from _widened(story)
    yield from _temperatures(story)
    yield from _this_morning(story)
    yield from _hours(story)


def _widened(story: Story) -> Iterator[Happening]:
    """What the net does beyond doors and quarantines: leads, gates, sampling, other systems."""
    chance, township = story.township.chance, story.township
    yield from systems(chance)
    yield from received(chance, story.leads)
    yield from worked_off(chance, story.leads)
    yield from set_up(township, story.shifts)
    yield from passes(chance, story.passing, story.shifts)
    yield from campaign(township, story.taken)
    yield from proofs(township, story.taken)


def _begun_by_hand(story: Story) -> Iterator[Deed]:
    by_day = sorted(story.by_hand, key=lambda each: each.started_on)
    for day, begun in groupby(by_day, key=lambda each: each.started_on):
        items = [bodies.quarantine_body(each, story.township.chance) for each in begun]
        yield Deed(at(day, 6, 20), SECRETARY, "/v1/quarantines/batch", {"items": items})


def _temperatures(story: Story) -> Iterator[Deed]:
    """The rounds of every window, and what is abnormal at once; one fever is this minute's."""
    first, fresh_at = story.by_hand[0], story.now - _FRESH
    fresh = fresh_fever(story.township, first, at=fresh_at)
    made = [
        each
        for each in measure(story.township, story.quarantines, now=story.now)
        if (each.quarantine.id, each.day, each.window) != (first.id, fresh.day, fresh.window)
    ]
    for each in (*(each for each in made if each.is_abnormal), fresh):
        yield fever(each)
    normal = sorted((each for each in made if not each.is_abnormal), key=_round)
    for _, together in groupby(normal, key=_round):
        yield _told(story, list(together))


def _round(made: Measurement) -> tuple[object, ...]:
    return made.day, made.window, made.is_late


def _told(story: Story, made: Sequence[Measurement]) -> Deed:
    first = made[0]
    told_at = _ROUND_TOLD[first.window, first.is_late]
    written = datetime.combine(first.day, told_at, clock.TOWNSHIP_ZONE)
    body = bodies.round_body(story.township.chance, made)
    return Deed(min(written, story.now), OFFICE, "/v1/rounds", body)


def _this_morning(story: Story) -> Iterator[Happening]:
    """What whoever starts the demonstration finds waiting in the first village."""
    chance, now = story.township.chance, story.now
    yield from lonely(chance, _lonely_one(story), now=now)
    yield from cough(chance, _coughing(story), now=now)
    yield leave_to_decide(chance, story.by_hand[len(story.township.villages)], now=now)


def _lonely_one(story: Story) -> Resident:
    people = [each for home in story.township.hamlets[0].households for each in home.residents]
    return next((each for each in people if each.lives_alone), people[0])


def _coughing(story: Story) -> Quarantine:
    """Somebody of the first village who is at home, with calls every day, and not released."""
    here = story.township.villages[0].hamlets
    return next(
        each
        for _, each in story.controlled
        if each.hamlet in here and each.team and each.last_on > story.township.chance.as_of
    )


def _hours(story: Story) -> Iterator[Happening]:
    """The background work, and those who answer; for some there is no end yet."""
    first = story.township.chance.as_of - timedelta(days=HISTORY_DAYS)
    days = [first + timedelta(days=number) for number in range(HISTORY_DAYS + 1)]
    fresh, coughing = story.by_hand[0].resident, _coughing(story).resident
    unfinished = [story.by_hand[each].resident for each in _UNFINISHED]
    yield from rounds(
        days,
        story.now,
        others=[each.id for each in (fresh, coughing, _lonely_one(story))],
        unfinished=[each.id for each in unfinished],
    )
    yield from (Hour(at(day, *hour)) for day in days for hour in _WORK_FALLS_DUE)
    yield Hour(story.now)
