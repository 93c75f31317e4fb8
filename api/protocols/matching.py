"""Which clause of a protocol decides about a person, and why the others do not."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from api.foundation.labels import Labelled
from api.protocols.conditions import MatchRule, Range, When
from api.protocols.documents import Plan, ProtocolDocument
from api.protocols.facts import Facts


@dataclass(frozen=True, slots=True)
class Decision:
    """The plan that applies, and the clause that says so (domain 3.9: every decision its basis)."""

    plan: Plan
    rule_index: int
    clause: str


@dataclass(frozen=True, slots=True)
class Considered:
    """One rule as it was looked at: `unmet` tells in Chinese each condition that does not hold."""

    rule_index: int
    rule: MatchRule
    decided: bool
    unmet: tuple[str, ...]


def decide(document: ProtocolDocument, facts: Facts, on: date) -> Decision | None:
    """The first rule that concerns this person on a local day: lowest priority number, then order.

    None where no clause concerns them. A sound document (`faults.of_document`) has no two
    intersecting rules of one priority, so the order in which it lists them never decides.
    """
    for index, rule in _in_order(document):
        if not unmet(rule.when, facts, on):
            plan = next(plan for plan in document.plans if plan.code == rule.plan)
            return Decision(plan, index, rule.clause)
    return None


def considered(document: ProtocolDocument, facts: Facts, on: date) -> list[Considered]:
    """Every rule in the order in which it is asked, with what kept it from deciding.

    A rule with nothing unmet that did not decide came after the one that did.
    """
    decision = decide(document, facts, on)
    decisive = decision.rule_index if decision else None
    return [
        Considered(index, rule, index == decisive, unmet(rule.when, facts, on))
        for index, rule in _in_order(document)
    ]


def unmet(when: When, facts: Facts, on: date) -> tuple[str, ...]:
    """The conditions that do not hold for this person on that day, each as a Chinese sentence."""
    risk = () if facts.risk_level is None else (facts.risk_level,)
    vaccinated = () if facts.vaccinated is None else (facts.vaccinated,)
    wanted = None if when.vaccinated is None else (when.vaccinated,)
    since_arrival, since_exposure = _days(facts.arrived_on, on), _days(facts.last_exposure_on, on)
    return tuple(
        sentence
        for sentence in (
            _among("接触类别", when.exposure_classes, (facts.exposure_class,)),
            _among("来源地风险等级", when.risk_levels, risk),
            _in_area(when.area_codes, facts.area_codes),
            _between("抵达后天数", when.days_since_arrival, since_arrival),
            _between("末次暴露后天数", when.days_since_exposure, since_exposure),
            _between("周岁", when.age, facts.age),
            _among("是否全程接种", wanted, vaccinated),
            _among("职业", when.occupations, facts.occupations),
        )
        if sentence is not None
    )


def _in_order(document: ProtocolDocument) -> Iterator[tuple[int, MatchRule]]:
    rules = enumerate(document.match_rules)
    yield from sorted(rules, key=lambda numbered: (numbered[1].priority, numbered[0]))


def _days(since: date | None, on: date) -> int | None:
    return None if since is None else (on - since).days


def _among(
    what: str, wanted: Sequence[str | bool] | None, known: Collection[str | bool]
) -> str | None:
    if wanted is None or set(wanted) & set(known):
        return None
    return _refusal(what, "、".join(map(_said, wanted)), "、".join(map(_said, known)))


def _in_area(wanted: Sequence[str] | None, known: Sequence[str]) -> str | None:
    if wanted is None or any(code.startswith(tuple(wanted)) for code in known):
        return None
    return _refusal("到过的地区", "、".join(wanted), "、".join(known))


def _between(what: str, wanted: Range | None, known: int | None) -> str | None:
    if wanted is None or (known is not None and holds(wanted, known)):
        return None
    return _refusal(what, _range(wanted), "" if known is None else str(known))


def holds(wanted: Range, number: int) -> bool:
    """Whether a number lies in a half-open range."""
    return (wanted.min is None or wanted.min <= number) and (
        wanted.max is None or number < wanted.max
    )


def _range(wanted: Range) -> str:
    said = wanted.min is not None and (wanted.min > 0 or wanted.max is None)
    least = f"满{wanted.min}" if said else ""
    most = "" if wanted.max is None else f"不满{wanted.max}"
    return least + most


def _said(value: str | bool) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return value.label if isinstance(value, Labelled) else value


def _refusal(what: str, wanted: str, known: str) -> str:
    told = f"现为{known}" if known else "现不清楚"
    return f"{what}须为{wanted}，{told}。"
