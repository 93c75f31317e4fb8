"""Five days of knocking on doors: whom the net met, who was out, and who would not open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID

from api.demo.chance import happens
from api.demo.families import Household
from api.demo.quarantines import Quarantine
from api.demo.township import Hamlet, Township, Worker
from api.foundation import clock
from api.visits.models import Need, VisitMode, VisitOutcome, VisitPurpose

DAYS = 5
_DOORS_A_DAY = 6
_BEGINS, _MINUTES = time(8, 40), 560
_CENTRE = (22.1372, 107.0689)

_OUTCOMES = {
    VisitOutcome.met: 870,
    VisitOutcome.absent: 90,
    VisitOutcome.refused: 34,
    VisitOutcome.moved_away: 6,
}
_FINDINGS = {
    VisitOutcome.met: "家中人员在家，身体无异常；已登记返乡人员和联系电话。",
    VisitOutcome.absent: "敲门无人应答，邻居称外出务农。",
    VisitOutcome.refused: "不愿登记，已耐心解释政策，择日再访。",
    VisitOutcome.moved_away: "全家已搬到县城居住。",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One knock on one door, or one call."""

    id: UUID
    household: Household
    by: Worker
    at: datetime
    mode: VisitMode
    outcome: VisitOutcome
    purposes: tuple[VisitPurpose, ...]
    needs: tuple[Need, ...]
    findings: str | None
    place: tuple[float, float] | None


def visit(township: Township, quarantines: Sequence[Quarantine], *, now: datetime) -> list[Visit]:
    """Every visit until now: the rounds of the hamlets, and care for those who live apart."""
    first = township.chance.as_of - timedelta(days=DAYS)
    made: list[Visit] = []
    apart = {each.household.id for each in quarantines}
    for number in range(DAYS + 1):
        day = first + timedelta(days=number)
        for hamlet in township.hamlets:
            doors = _round(township, hamlet, day, number)
            made.extend(each for each in doors if each.household.id not in apart)
        at_home = (each for each in quarantines if each.started_on <= day <= each.last_on)
        made.extend(_care(township, each, day) for each in at_home if not each.stay)
    return [each for each in made if each.at <= now]


def _round(township: Township, hamlet: Hamlet, day: date, number: int) -> Iterator[Visit]:
    """The next few doors of a hamlet, and those that stayed shut the day before."""
    rows = [hamlet.households[each :: _rounds(hamlet)] for each in range(_rounds(hamlet))]
    for household in rows[number % len(rows)]:
        yield _knock(township, hamlet, household, day)
    yesterday = day - timedelta(days=1)
    for household in rows[(number - 1) % len(rows)] if number else ():
        before = _knock(township, hamlet, household, yesterday)
        if before.outcome in (VisitOutcome.absent, VisitOutcome.refused):
            again = _knock(township, hamlet, household, day, again=True)
            if again.outcome is VisitOutcome.met:
                yield again


def _rounds(hamlet: Hamlet) -> int:
    return max(len(hamlet.households) // _DOORS_A_DAY, 1)


def _knock(
    township: Township, hamlet: Hamlet, household: Household, day: date, *, again: bool = False
) -> Visit:
    rolls = township.chance.of("visit", household.id, day, again)
    outcome = rolls.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
    if again:
        outcome = rolls.choice((VisitOutcome.met, outcome, VisitOutcome.absent))
    mode = rolls.choices(list(VisitMode), (90, 8, 2))[0]
    met = outcome is VisitOutcome.met
    by = hamlet.worker if happens(rolls, 0.7) else rolls.choice(hamlet.posts).worker
    return Visit(
        id=township.chance.id("visit", household.id, day, again),
        household=household,
        by=by,
        at=_during(rolls, day),
        mode=mode,
        outcome=outcome,
        purposes=_purposes(rolls),
        needs=(rolls.choice(list(Need)),) if met and happens(rolls, 0.06) else (),
        findings=None if met and happens(rolls, 0.8) else _FINDINGS[outcome],
        place=_near(rolls) if mode is VisitMode.visit else None,
    )


def _care(township: Township, quarantine: Quarantine, day: date) -> Visit:
    """The daily contact of a quarantined household by visit, phone or WeChat (S2)."""
    rolls = township.chance.of("care", quarantine.number, day)
    mode = rolls.choice(list(VisitMode))
    return Visit(
        id=township.chance.id("care", quarantine.number, day),
        household=quarantine.household,
        by=rolls.choice(quarantine.carers),
        at=_during(rolls, day),
        mode=mode,
        outcome=VisitOutcome.met,
        purposes=(VisitPurpose.care,),
        needs=(rolls.choice((Need.masks, Need.daily_goods, Need.medicine)),)
        if happens(rolls, 0.4)
        else (),
        findings="情绪平稳，生活物资够用。" if happens(rolls, 0.7) else "担心误工，已做心理疏导。",
        place=_near(rolls) if mode is VisitMode.visit else None,
    )


def _purposes(rolls: Random) -> tuple[VisitPurpose, ...]:
    extra = (VisitPurpose.outreach, VisitPurpose.vaccination_reminder, VisitPurpose.test_reminder)
    return (VisitPurpose.screening, rolls.choice(extra))


def _during(rolls: Random, day: date) -> datetime:
    began = datetime.combine(day, _BEGINS, clock.TOWNSHIP_ZONE)
    return began + timedelta(minutes=rolls.randrange(_MINUTES))


def _near(rolls: Random) -> tuple[float, float]:
    latitude, longitude = _CENTRE
    return (
        round(latitude + rolls.uniform(-0.06, 0.06), 6),
        round(longitude + rolls.uniform(-0.08, 0.08), 6),
    )
