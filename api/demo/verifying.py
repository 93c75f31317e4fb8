"""What the net did about each lead: whom it reached, what was shown, found and fed back (M2.6)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Deed, Step
from api.demo.homecomings import HIGH, RISK_AREAS
from api.demo.leads import Lead, batch_of
from api.demo.sign_ins import OFFICE, SECRETARY
from api.leads.models import OPEN, LeadOutcome, LeadStatus
from api.leads.outcomes import NEEDS_ANSWERS
from api.leads.verification_models import ContactKind, Question, Shown

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_APART = timedelta(hours=2, minutes=10)
_NOTES = {
    LeadOutcome.info_error: "电话为空号，姓名与证件号不符，村内无此人。",
    LeadOutcome.not_in_jurisdiction: "本人户籍和现住地均在岭边县云坡镇。",
    LeadOutcome.beyond_window: "离开风险地区已超过十四天。",
    LeadOutcome.transit_only: "仅驾车途经，未停留。",
    LeadOutcome.missed_now_registered: "随工友的车返乡，未报备，已补登记。",
    LeadOutcome.refused: "不愿说明行程，已由包村干部上门解释。",
}
_NOT_REACHED = {LeadOutcome.info_error, LeadOutcome.unreachable, LeadOutcome.duplicate}
_REVIEWED = {LeadStatus.fed_back, LeadStatus.transferred}


def worked_off(chance: Chance, leads: Sequence[Lead]) -> Iterator[Deed | Step]:
    """The day before somebody starts the demonstration: calls, answers, outcomes, reviews."""
    yesterday = chance.as_of - _DAY
    for lead in leads:
        began_at = at(yesterday, 8, 40) + 11 * lead.number * _MINUTE
        if lead.status in (LeadStatus.assigned, LeadStatus.imported):
            continue
        yield from _contacts(chance, lead, began_at)
        if lead.outcome is not None:
            yield from _concluded(chance, lead, began_at)
        if lead.status in _REVIEWED:
            reviewed_at = at(yesterday, 17, 20) + lead.number * _MINUTE
            body: Body = {"approved": True}
            yield Step(reviewed_at, SECRETARY, _path(lead), _under_review, "/review", body)
    yield from _handed_over(
        chance, [each for each in leads if each.status is LeadStatus.transferred]
    )
    told = {"id": str(chance.id("lead feedback"))}
    path = f"/v1/lead-batches/{batch_of(chance)}/feedback"
    yield Deed(at(yesterday, 18, 40), OFFICE, path, told)


def _path(lead: Lead) -> str:
    return f"/v1/leads/{lead.id}"


def _is_open(kept: Body) -> bool:
    return kept["status"] in OPEN


def _under_review(kept: Body) -> bool:
    return kept["status"] == LeadStatus.under_review


def _contacts(chance: Chance, lead: Lead, began_at: datetime) -> Iterator[Deed]:
    """One call where somebody answers; else two, hours apart, and somebody at the door."""
    reached = lead.outcome not in _NOT_REACHED and lead.outcome is not None
    kinds = (ContactKind.phone, ContactKind.phone, ContactKind.visit)
    tried = kinds if lead.outcome is LeadOutcome.unreachable else kinds[:1]
    for number, kind in enumerate(tried):
        tried_at = began_at - (len(tried) - 1 - number) * _APART
        body = {
            "id": str(chance.id("attempt", lead.number, number)),
            "kind": kind,
            "reached": reached,
            "recorded_at": tried_at.isoformat(),
            "performed_by": str(lead.hamlet.worker.id),
        }
        yield Deed(tried_at + _MINUTE, OFFICE, f"{_path(lead)}/attempts", body)


def _concluded(chance: Chance, lead: Lead, began_at: datetime) -> Iterator[Deed | Step]:
    if lead.outcome in NEEDS_ANSWERS:
        for number, question in enumerate(Question):
            yield _answer(chance, lead, question, began_at + (2 + number) * _MINUTE)
    concluded_at = began_at + 18 * _MINUTE
    if lead.outcome is LeadOutcome.duplicate:
        same = {"is_duplicate": True}
        yield Step(concluded_at - _MINUTE, OFFICE, _path(lead), _is_open, "/duplicate", same)
    found = {"outcome": lead.outcome, "note": _NOTES.get(lead.outcome) if lead.outcome else None}
    yield Step(concluded_at, OFFICE, _path(lead), _is_open, "/conclude", found)


def _answer(chance: Chance, lead: Lead, question: Question, asked_at: datetime) -> Deed:
    """What was shown; the doses are told by heart."""
    by_heart = question is Question.vaccination
    body = {
        "id": str(chance.id("answer", lead.number, question)),
        "question": question,
        "shown": Shown.told if by_heart else Shown.shown,
        question.value: _seen(question, asked_at),
        "recorded_at": asked_at.isoformat(),
        "performed_by": str(lead.hamlet.worker.id),
    }
    return Deed(asked_at, OFFICE, f"{_path(lead)}/answers", body)


def _seen(question: Question, asked_at: datetime) -> Body:
    sampled_at = asked_at - timedelta(hours=20)
    seen: dict[Question, Body] = {
        Question.travel_card: {
            "updated_at": asked_at.isoformat(),
            "colour": "green",
            "cities": [{"name": "百岭市", "at_risk": True}],
            "window_days": 14,
        },
        Question.health_code: {"state": "green", "changed_at": sampled_at.isoformat()},
        Question.diagnostic_test: {
            "kind": "nucleic_acid",
            "outcome": "negative",
            "sampled_at": sampled_at.isoformat(),
            "reported_at": (sampled_at + timedelta(hours=7)).isoformat(),
        },
        Question.vaccination: {"doses": 2},
    }
    return seen[question]


def _handed_over(chance: Chance, leads: Sequence[Lead]) -> Iterator[Deed]:
    """To the township it belongs to; of one the receipt is in."""
    yesterday = chance.as_of - _DAY
    for number, lead in enumerate(leads):
        id_ = chance.id("lead transfer", lead.number)
        body = {
            "id": str(id_),
            "to_code": HIGH.code,
            "to_name": RISK_AREAS[0].name,
            "reason": _NOTES[LeadOutcome.not_in_jurisdiction],
        }
        yield Deed(at(yesterday, 18, 20 + number), OFFICE, f"{_path(lead)}/transfers", body)
        if number == 0:
            receipt = {"received": True, "receipt": "云坡镇协查〔2022〕18号（演示）"}
            path = f"/v1/lead-transfers/{id_}/receipt"
            yield Deed(at(yesterday, 21, 10), OFFICE, path, receipt)
