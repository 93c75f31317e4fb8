"""What was abnormal and who answered it: most is closed by now, some is open this minute (M3.5)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from api.alerts.models import AlertStatus, AlertVerb, Cause
from api.demo import bodies
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Answer, Cast, Deed
from api.demo.families import Resident
from api.demo.quarantines import Quarantine
from api.demo.readings import Measurement
from api.demo.sign_ins import GRID_WORKER, MEDIC, OFFICE, SECRETARY, VILLAGE_SECRETARY
from api.protocols.symptoms import Symptom

_MINUTE = timedelta(minutes=1)
_ROUNDS_OF_THE_OFFICE = ((8, 50), (12, 15), (14, 30), (16, 30), (19, 40), (22, 20))
_MEDICAL = {Cause.fever, Cause.symptom, Cause.positive_test}
_OUTCOMES = {
    Cause.fever: "复测体温正常，村医随访",
    Cause.symptom: "已由村医上门诊查，症状减轻",
    Cause.absence: "已联系本人，在自家菜地，已劝返",
    Cause.refusal: "包村干部上门解释，愿意配合",
    Cause.missed_reading: "漏测已补，提醒包保人员",
    Cause.incomplete_team: "已通知村里当日配齐",
    Cause.overdue_directive: "已电话催办",
    Cause.overdue_transfer: "车辆紧张，已另派车",
}


@dataclass(frozen=True, slots=True)
class Round:
    """The office and the health centre go through what is open; each alert comes a step on.

    Residents by their ids: of some another story is told, and of some there is no end yet, as
    there is none of a red code, a positive pool or a late lead.
    """

    at: datetime
    others: frozenset[str]
    unfinished: frozenset[str]

    async def happen(self, cast: Cast) -> None:
        listed = await cast.tellers[SECRETARY].read("/v1/alerts?closed=false&limit=200")
        for alert in listed["items"]:
            told_before = datetime.fromisoformat(alert["opened_at"]) < self.at
            if told_before and alert["resident_id"] not in self.others:
                over = alert["cause"] in _OUTCOMES
                over = over and alert["resident_id"] not in self.unfinished
                await _answer(cast, alert, closing=over)


async def _answer(cast: Cast, alert: dict[str, Any], *, closing: bool) -> None:
    id_, cause = UUID(alert["id"]), Cause(alert["cause"])
    teller = cast.tellers[MEDIC if cause in _MEDICAL else OFFICE]
    if alert["status"] == AlertStatus.open:
        await teller.answer(id_, AlertVerb.acknowledge)
        await teller.answer(id_, AlertVerb.handle)
    elif alert["status"] == AlertStatus.handling and closing:
        await teller.answer(id_, AlertVerb.resolve, _OUTCOMES[cause])
    elif alert["status"] == AlertStatus.resolved:
        await cast.tellers[SECRETARY].answer(id_, AlertVerb.verify)


def rounds(
    days: Iterable[date], now: datetime, *, others: Iterable[UUID], unfinished: Iterable[UUID]
) -> Iterator[Round]:
    """The rounds of these days until shortly before now."""
    left, open_ = frozenset(map(str, others)), frozenset(map(str, unfinished))
    for day in days:
        for hour, minute in _ROUNDS_OF_THE_OFFICE:
            if (begins := at(day, hour, minute)) < now - 30 * _MINUTE:
                yield Round(begins, left, open_)


def fever(made: Measurement) -> Deed:
    """What is abnormal is told at once, and not with the round."""
    return Deed(made.at + 3 * _MINUTE, MEDIC, "/v1/readings", bodies.reading_body(made))


def lonely(chance: Chance, person: Resident, *, now: datetime) -> Iterator[Deed | Answer]:
    """A grid worker reports somebody; the village's secretary has answered and is on the way."""
    reported_at, about = now - 50 * _MINUTE, f"resident_id={person.id}"
    report = {
        "id": str(chance.id("report", person.id)),
        "resident_id": str(person.id),
        "note": "老人独自在家，敲门无人应答，邻居称昨晚起未见。",
        "recorded_at": (reported_at - 5 * _MINUTE).isoformat(),
    }
    yield Deed(reported_at, GRID_WORKER, "/v1/alerts", report)
    yield Answer(
        reported_at + 8 * _MINUTE, VILLAGE_SECRETARY, about, Cause.reported, AlertVerb.acknowledge
    )


def cough(chance: Chance, quarantine: Quarantine, *, now: datetime) -> Iterator[Deed | Answer]:
    """Somebody told the care line of a sore throat; handled, and to be verified by another."""
    called_at, about = now - 240 * _MINUTE, f"resident_id={quarantine.resident.id}"
    call = {
        "id": str(chance.id("call", quarantine.number, "cough")),
        "called_at": called_at.isoformat(),
        "outcome": "reached",
        "symptoms": [Symptom.sore_throat],
        "recorded_at": called_at.isoformat(),
        "performed_by": str(quarantine.carers[0].id),
    }
    yield Deed(called_at + _MINUTE, OFFICE, f"/v1/quarantines/{quarantine.id}/calls", call)
    for minutes, verb, note in (
        (9, AlertVerb.acknowledge, None),
        (12, AlertVerb.handle, "派村医上门"),
        (180, AlertVerb.resolve, "咽部轻度充血，体温36.6℃，抗原阴性"),
    ):
        yield Answer(called_at + minutes * _MINUTE, MEDIC, about, Cause.symptom, verb, note)
