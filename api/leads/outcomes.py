"""What each outcome of a lead must rest on: pure rules over what was done and found (M2.6)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.leads.models import LeadOutcome
from api.leads.verification_models import Question

O = LeadOutcome  # noqa: E741 - read as the name of a column of rules

NEEDS_ANSWERS = frozenset(
    {O.already_registered, O.controlled_here, O.no_risk, O.missed_now_registered}
)
"""Whoever is here is answered for with all four: travel card, code, test, vaccination."""

_REACHED = NEEDS_ANSWERS | {O.beyond_window, O.transit_only, O.refused}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was done for a lead, and what is known of its person."""

    reached: int
    unreached: Sequence[datetime]
    visited: bool
    asked: frozenset[Question]
    is_resident: bool
    has_arrival: bool
    in_quarantine: bool
    is_duplicate: bool
    has_note: bool
    attempts_needed: int
    hours_apart: int
    visit_needed: bool


def lacking(outcome: LeadOutcome, found: Found) -> list[str]:
    """What still has to be done before this outcome holds, as sentences; none when it does."""
    return [sentence for rule in _RULES.get(outcome, ()) for sentence in rule(found)] + [
        *_answers(outcome, found)
    ]


def _answers(outcome: LeadOutcome, found: Found) -> Iterator[str]:
    if outcome in _REACHED and not found.reached:
        yield "须先联系到本人或其家人。"
    missing = [each.label for each in Question if each not in found.asked]
    if outcome in NEEDS_ANSWERS and missing:
        yield f"尚未询问：{'、'.join(missing)}。"


def spread(tried: Iterable[datetime], *, hours: int) -> int:
    """How many attempts count: called thrice within a minute, somebody was tried once."""
    counted, last = 0, None
    for at in sorted(tried):
        if last is None or at - last >= timedelta(hours=hours):
            counted, last = counted + 1, at
    return counted


def _unreachable(found: Found) -> Iterator[str]:
    counted, tried = spread(found.unreached, hours=found.hours_apart), len(found.unreached)
    if counted < found.attempts_needed:
        yield f"未联系到的须至少有{found.attempts_needed}次联系记录，现有{counted}次。"
        if counted < tried:
            yield f"共联系{tried}次，相隔不足{found.hours_apart}小时的只计一次，请换个时间再联系。"
    if found.visit_needed and not found.visited:
        yield "须至少上门一次。"


def _resident(found: Found) -> Iterator[str]:
    if not found.is_resident:
        yield "须先对应到居民。"


def _controlled(found: Found) -> Iterator[str]:
    if not found.in_quarantine:
        yield "该居民没有正在进行的隔离；请先开始隔离，或随结论一并提交。"


def _registered_now(found: Found) -> Iterator[str]:
    if not (found.has_arrival or found.is_resident):
        yield "请先登记该居民，或随结论一并登记返（来）乡。"


def _duplicate(found: Found) -> Iterator[str]:
    if not found.is_duplicate:
        yield "须先确认与哪一条线索重复。"


def _shown_somehow(found: Found) -> Iterator[str]:
    if not (found.reached or found.unreached or found.has_note):
        yield "请登记联系情况，或说明依据。"


Rule = Callable[[Found], Iterator[str]]
_RULES: Mapping[LeadOutcome, tuple[Rule, ...]] = {
    O.already_registered: (_resident,),
    O.controlled_here: (_resident, _controlled),
    O.no_risk: (),
    O.missed_now_registered: (_registered_now,),
    O.not_in_jurisdiction: (_shown_somehow,),
    O.info_error: (_shown_somehow,),
    O.unreachable: (_unreachable,),
    O.duplicate: (_duplicate,),
}
