"""What a plan asks for: tests, calls, a look at the home, the release and what follows it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from api.care.models import CallOutcome, Mood
from api.demo.bodies import Body
from api.demo.chance import Chance, happens
from api.demo.controlled import Controlled
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.homecomings import Fate
from api.demo.quarantines import Quarantine
from api.demo.sign_ins import MEDIC, OFFICE, SECRETARY
from api.health_records.models import DiagnosticOutcome
from api.visits.models import Need

_LABORATORY = "县疾控中心"
_DAY = timedelta(days=1)
_UNREACHED, _FORGOTTEN = 0.05, 0.06
_MOODS = (Mood.calm, Mood.calm, Mood.calm, Mood.low, Mood.anxious)
_FAULT = "own_toilet"


def care_for(chance: Chance, controlled: Sequence[Controlled]) -> Iterator[Deed]:
    """Everything that was done for them until today, and nothing of what was forgotten."""
    yield from _tests(chance, controlled)
    for coming, each in controlled:
        if each.stage and each.stage.calls_per_day:
            yield from _calls(chance, each)
        asked = each.stage.site_checklist if each.stage else None
        if asked and coming.fate is not Fate.unchecked:
            fit = coming.fate is not Fate.unfit
            items = {item.code: fit or item.code != _FAULT for item in asked}
            yield _look_at_home(chance, each, items)
        if coming.fate is Fate.released:
            yield from _release(chance, each)


def _tests(chance: Chance, controlled: Sequence[Controlled]) -> Iterator[Deed]:
    """All who are due are sampled at five; the results come in the evening."""
    due = [
        (each.started_on + timedelta(days=test.day - 1), each)
        for coming, each in controlled
        if each.stage
        for test in each.stage.tests[: -1 if coming.fate is Fate.untested else None]
    ]
    by_day = sorted(due, key=_day)
    for day, sampled in groupby(by_day, key=_day):
        if day <= chance.as_of:
            items = [_test(chance, each, day) for _, each in sampled]
            yield Deed(at(day, 20, 45), MEDIC, "/v1/tests/batch", {"items": items})


def _day(due: tuple[date, Quarantine]) -> date:
    return due[0]


def _test(chance: Chance, quarantine: Quarantine, day: date) -> Body:
    # The laboratory is slow now and then.
    waits = day == chance.as_of - _DAY and quarantine.number % 4 == 0
    return {
        "id": str(chance.id("test", quarantine.number, day)),
        "resident_id": str(quarantine.resident.id),
        "kind": "nucleic_acid",
        "outcome": DiagnosticOutcome.pending if waits else DiagnosticOutcome.negative,
        "sampled_at": at(day, 17).isoformat(),
        "reported_at": None if waits else at(day, 20, 30).isoformat(),
        "laboratory": _LABORATORY,
        "recorded_at": at(day, 17, 5).isoformat(),
    }


def _calls(chance: Chance, quarantine: Quarantine) -> Iterator[Deed]:
    days = (min(quarantine.last_on, chance.as_of) - quarantine.started_on).days
    for number in range(days + 1):
        day = quarantine.started_on + timedelta(days=number)
        rolls = chance.of("call", quarantine.number, day)
        called_at = at(day, 10 if number else 20, 26 + rolls.randrange(30))
        if happens(rolls, _FORGOTTEN):
            continue
        reached = not happens(rolls, _UNREACHED)
        talk = {
            "mood": rolls.choice(_MOODS),
            "needs": [rolls.choice(list(Need))] if happens(rolls, 0.2) else [],
            "note": "情绪稳定，提醒按时测温、采样。",
        }
        yield _call(chance, quarantine, called_at, talk if reached else {})


def _call(chance: Chance, quarantine: Quarantine, called_at: datetime, talk: Body) -> Deed:
    body = {
        "id": str(chance.id("call", quarantine.number, called_at)),
        "called_at": called_at.isoformat(),
        "outcome": CallOutcome.reached if talk else CallOutcome.unreachable,
        "recorded_at": called_at.isoformat(),
        "performed_by": str(quarantine.carers[0].id),
        **talk,
    }
    path = f"/v1/quarantines/{quarantine.id}/calls"
    return Deed(called_at + timedelta(minutes=2), OFFICE, path, body)


def _look_at_home(chance: Chance, quarantine: Quarantine, items: dict[str, bool]) -> Deed:
    """By the head of the hamlet, in the evening of the first day; not every home is fit."""
    checked_at = at(quarantine.started_on, 20, 10)
    body: Body = {
        "id": str(chance.id("site check", quarantine.number)),
        "items": items,
        "checked_at": checked_at.isoformat(),
        "note": None if all(items.values()) else "卫生间与家人共用。",
        "recorded_at": checked_at.isoformat(),
        "performed_by": str(quarantine.hamlet.worker.id),
    }
    path = f"/v1/quarantines/{quarantine.id}/site-checks"
    return Deed(checked_at + timedelta(minutes=5), MEDIC, path, body)


def _release(chance: Chance, quarantine: Quarantine) -> Iterator[Deed]:
    """On the last evening; the day after somebody calls, today's call is still to be made."""
    path, last = f"/v1/quarantines/{quarantine.id}", quarantine.last_on
    approval = {"ended_on": str(last), "reason": "期满，核酸均为阴性"}
    yield Deed(at(last, 21, 30), SECRETARY, f"{path}/release", approval)
    if quarantine.stage and quarantine.stage.tests:
        called_at = at(last + _DAY, 10, 20)
        talk: Body = {"kind": "follow_up", "mood": Mood.calm, "symptoms": []}
        yield _call(chance, quarantine, called_at, talk)
