"""How people usually stand at a gate, and what its rule says of them: worked out beforehand (M2.8).

A verdict compares instants with a few others (`bounds`) and nothing else, so that whoever stands
alike between those is judged alike. A pass is sent with its verdict for every standing that is
usual at its gate, and the database keeps it by the one that it finds. What is remembered names
nobody, and does not grow old: a revision of a rule never changes.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson

from api.checkpoints.rule_schemas import NegativeTestProof, VaccinationProof
from api.checkpoints.verdicts import Rule, Standing, Verdict, reasons_told
from api.foundation.field_records import CLOCK_SKEW

GATES, SHOWINGS, STANDINGS = 1_000, 200, 16
"""Days of gates, ways to show proof at each, ways to stand that are sent along: the latest."""

_NEXT = timedelta(microseconds=1)
Alike = tuple[Any, ...]
K = TypeVar("K")
V = TypeVar("V")


class Outcome(NamedTuple):
    """What a rule says of all who stand alike, also as `write_pass` reads it."""

    verdict: Verdict
    reasons: list[dict[str, str]]
    means: bytes

    @classmethod
    def of(cls, rule: Rule, judged: Verdict) -> "Outcome":
        reasons = reasons_told(judged)
        means: dict[str, Any] = {"verdict": judged.decision, "reasons": reasons}
        if judged.recheck:
            means["recheck"] = {
                "systems": systems_to_ask(rule),
                "after": rule.recheck.total_seconds(),
                "for": rule.recheck_for.total_seconds(),
            }
        return cls(judged, reasons, orjson.dumps(means))


def systems_to_ask(rule: Rule) -> list[str]:
    """The systems that a rule takes; none named means whichever is asked first."""
    return [
        system for proof in rule.proofs if proof.proof == "health_code" for system in proof.systems
    ]


def bounds(rule: Rule, shown: Standing, at: datetime) -> list[datetime]:
    """Every instant with which `verdict` compares what is known, in order.

    Each begins what is treated alike: what must not lie after an instant has its bound just after.
    """
    return sorted((*_bounds_of(rule, at), *(each.sampled_at for each in shown.samples)))


def _bounds_of(rule: Rule, at: datetime) -> Iterator[datetime]:
    yield at + _NEXT
    yield at + CLOCK_SKEW + _NEXT
    for proof in rule.proofs:
        if isinstance(proof, NegativeTestProof):
            yield at - timedelta(hours=proof.hours)
        elif not isinstance(proof, VaccinationProof):
            yield at - timedelta(minutes=proof.fresh_minutes)


def alike(shown: Standing, between: list[datetime]) -> Alike:
    """What was shown, each instant as the number of bounds up to it; so does the database."""
    return (
        *((code.system, code.state) for code in shown.codes),
        *((card.at_risk, bisect_right(between, card.updated_at)) for card in shown.cards),
        *(
            (
                each.outcome,
                bisect_right(between, each.sampled_at),
                each.reported_at and bisect_right(between, each.reported_at),
            )
            for each in shown.samples
        ),
        shown.doses,
    )


@dataclass(frozen=True, slots=True)
class Usual:
    """A gate on one day: its rule, and the outcomes by what was shown and by how people stood."""

    rule: Rule
    outcomes: dict[Alike, dict[str, Outcome]] = field(default_factory=dict[Alike, Any])

    def keep(self, shown: Alike, standing: str, outcome: Outcome) -> None:
        """Remember that somebody stood so, in place of how nobody did for longest."""
        known = self.outcomes.get(shown, {})
        _add(known, standing, outcome, most=STANDINGS)
        _add(self.outcomes, shown, known, most=SHOWINGS)


class Recollection:
    """What is usual at each gate on each day; `app.state.usual_at_gates` of the application."""

    def __init__(self) -> None:
        self._gates: dict[tuple[UUID, date], Usual] = {}

    def at(self, checkpoint: UUID, day: date) -> Usual | None:
        """What is usual there, once somebody has passed on that day."""
        return self._gates.get((checkpoint, day))

    def by(self, rule: Rule, checkpoint: UUID, day: date) -> Usual:
        """What is usual there by this rule, if only that it is in force."""
        usual = self.at(checkpoint, day)
        if usual is None or usual.rule.id != rule.id:
            usual = Usual(rule)
            _add(self._gates, (checkpoint, day), usual, most=GATES)
        return usual


def _add(held: dict[K, V], key: K, value: V, *, most: int) -> None:
    held.pop(key, None)
    held[key] = value
    while len(held) > most:
        del held[next(iter(held))]
