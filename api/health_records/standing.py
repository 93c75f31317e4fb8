"""What holds of a person's health at an instant: code, travel card, negative test, vaccination.

Derived from the records and the policy in force on that day, each verdict with its clause.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import Connection, driver_of
from api.foundation.field_records import CLOCK_SKEW
from api.health_records.models import (
    CardColour,
    CodeState,
    DiagnosticOutcome,
    VaccinationOutcome,
    VaccineTechnology,
)
from api.health_records.retests import owed
from api.health_records.validity import (
    CardRule,
    Course,
    Dose,
    ValidityRule,
    card_at_risk,
    card_held,
    code_held,
    no_sampling_until,
    test_held,
    vaccination_status,
)
from api.health_records.validity_models import ValidityAnchor
from api.health_records.verdicts import (
    CardVerdict,
    CodeVerdict,
    NegativeTestVerdict,
    Owed,
    Standing,
    VaccinationVerdict,
)
from api.protocols.models import DiagnosticKind
from api.protocols.problems import NoPolicyInForce


async def standing_of(
    door: AsyncSession | Connection, resident_ids: Collection[UUID], at: datetime
) -> dict[UUID, Standing]:
    """What holds of each of these people at an instant, as far as the caller sees their records.

    Two statements, however many people. As at a checkpoint, what was told by a clock that is fast
    counts at once: a red code must not be green for as long. Raises `NoPolicyInForce`.
    """
    connection = await driver_of(door)
    rule = await rule_on(connection, clock.local_day(at))
    day, ahead = clock.local_day(at), at + CLOCK_SKEW
    rows = await connection.fetch(_KNOWN, list(resident_ids), at, day, ahead)
    return {row["id"]: _standing(rule, row, at) for row in rows}


async def rule_on(door: AsyncSession | Connection, day: date) -> ValidityRule:
    """The newest validity policy in force on a local day; raises `NoPolicyInForce`."""
    row = await (await driver_of(door)).fetchrow(_RULE, day)
    if row is None:
        raise NoPolicyInForce
    card = orjson.loads(row["travel_card"] or "null")
    courses = orjson.loads(row["courses"])
    return ValidityRule(
        name=row["name"],
        revision=row["revision"],
        negative_test_hours=row["negative_test_hours"],
        negative_antigen_hours=row["negative_antigen_hours"],
        anchor=ValidityAnchor(row["validity_anchor"]),
        code_state_hours=row["code_state_hours"],
        card=CardRule(**card) if card else None,
        courses={VaccineTechnology(made): Course(**told) for made, told in courses.items()},
        no_sampling_hours=row["no_sampling_hours"],
        retest_hours=row["retest_hours"],
    )


_RULE = """
    SELECT name, revision, negative_test_hours, negative_antigen_hours, validity_anchor,
        code_state_hours, travel_card::text, courses::text, no_sampling_hours, retest_hours
    FROM validity_policies WHERE effective_from <= $1
    ORDER BY effective_from DESC, revision DESC LIMIT 1
"""

# Of each system, the newest answer and the newest that was none: what is unavailable takes the
# place of nothing that still holds.
_KNOWN = f"""
    SELECT who.id,
        (SELECT jsonb_agg(to_jsonb(c)) FROM (
            SELECT DISTINCT ON (system, state = 'unavailable')
                id, system, state, changed_at, fetched_at, valid_until
            FROM code_states
            WHERE resident_id = who.id AND fetched_at <= $4 AND discarded_at IS NULL
            ORDER BY system, state = 'unavailable', changed_at DESC, fetched_at DESC, id DESC
        ) AS c)::text AS codes,
        (SELECT to_jsonb(t) FROM (
            SELECT id, colour, updated_at, window_days, cities FROM travel_cards
            WHERE resident_id = who.id AND seen_at <= $4 AND discarded_at IS NULL
            ORDER BY updated_at DESC, id DESC LIMIT 1
        ) AS t)::text AS card,
        (SELECT jsonb_agg(to_jsonb(t)) FROM (
            SELECT DISTINCT ON (kind, outcome) id, kind, outcome, sampled_at, reported_at
            FROM diagnostic_tests
            WHERE resident_id = who.id AND sampled_at <= $4 AND reported_at <= $4
                AND outcome IN ('negative', 'positive', 'inconclusive') AND discarded_at IS NULL
            ORDER BY kind, outcome, sampled_at DESC, id DESC
        ) AS t)::text AS tests,
        (SELECT jsonb_agg(to_jsonb(v)) FROM (
            SELECT outcome, given_on, dose_number, technology FROM vaccinations
            WHERE resident_id = who.id AND given_on <= $3 AND discarded_at IS NULL
        ) AS v)::text AS doses,
        (SELECT jsonb_agg(to_jsonb(o) ORDER BY o.due_at, o.test_id) FROM (
            SELECT test_id, because, since_at, due_at FROM ({owed("$2::timestamptz")}) AS due
            WHERE due.resident_id = who.id
        ) AS o)::text AS owed
    FROM unnest($1::uuid[]) AS who (id)
"""


def _standing(rule: ValidityRule, row: Any, at: datetime) -> Standing:
    told = {name: orjson.loads(row[name] or "null") for name in ("codes", "card", "tests")}
    return Standing(
        resident_id=row["id"],
        at=at,
        codes=tuple(_codes(rule, told["codes"] or (), at)),
        travel_card=_card(rule, told["card"]) if told["card"] else None,
        negative_test=_negative(rule, told["tests"] or ()),
        vaccination=_vaccination(rule, orjson.loads(row["doses"] or "[]")),
        owed=tuple(_owed(each) for each in orjson.loads(row["owed"] or "[]")),
    )


Told = Mapping[str, Any]


def _codes(rule: ValidityRule, told: Iterable[Told], at: datetime) -> Iterable[CodeVerdict]:
    """The current state of each system."""
    current: dict[str, CodeVerdict] = {}
    for each in sorted(told, key=lambda each: each["state"] == CodeState.unavailable):
        verdict = _code(rule, each)
        real = current.get(verdict.system)
        newer = real is None or (verdict.fetched_at > real.fetched_at and not real.holds(at))
        if newer:
            current[verdict.system] = verdict
    return current.values()


def _code(rule: ValidityRule, told: Told) -> CodeVerdict:
    state, fetched_at = CodeState(told["state"]), _instant(told["fetched_at"])
    until = told["valid_until"] and _instant(told["valid_until"])
    return CodeVerdict(
        UUID(told["id"]),
        *code_held(rule, state, fetched_at, until),
        system=told["system"],
        state=state,
        changed_at=_instant(told["changed_at"]),
        fetched_at=fetched_at,
    )


def _card(rule: ValidityRule, told: Told) -> CardVerdict:
    colour, updated_at = CardColour(told["colour"]), _instant(told["updated_at"])
    return CardVerdict(
        UUID(told["id"]),
        *card_held(rule, updated_at, told["window_days"]),
        colour=colour,
        updated_at=updated_at,
        window_days=told["window_days"],
        at_risk=card_at_risk(rule, colour, told["cities"]),
    )


def _negative(rule: ValidityRule, told: Iterable[Told]) -> NegativeTestVerdict | None:
    """The negative test that holds longest; one followed by another result proves nothing more."""
    negative: list[NegativeTestVerdict] = []
    doubtful = [_instant(t["sampled_at"]) for t in told if t["outcome"] != _NEGATIVE]
    for each in told:
        if each["outcome"] == _NEGATIVE:
            kind = DiagnosticKind(each["kind"])
            sampled_at, reported_at = _instant(each["sampled_at"]), _instant(each["reported_at"])
            held = test_held(rule, kind, sampled_at, reported_at)
            if any(later >= sampled_at for later in doubtful):
                held = held._replace(until=None, clause="此后的检测结果不是阴性")
            verdict = NegativeTestVerdict(
                UUID(each["id"]), *held, kind=kind, sampled_at=sampled_at, reported_at=reported_at
            )
            negative.append(verdict)
    return max(
        negative,
        key=lambda e: (e.valid_until is not None, e.valid_until or e.sampled_at),
        default=None,
    )


_NEGATIVE = DiagnosticOutcome.negative.value


def _vaccination(rule: ValidityRule, told: Iterable[Told]) -> VaccinationVerdict:
    doses = [
        Dose(
            VaccinationOutcome(each["outcome"]),
            date.fromisoformat(each["given_on"]),
            each["dose_number"],
            VaccineTechnology(each["technology"]) if each["technology"] else None,
        )
        for each in told
    ]
    given = [dose for dose in doses if dose.dose_number is not None]
    return VaccinationVerdict(
        status=vaccination_status(rule, doses),
        doses=max((dose.dose_number or 0 for dose in given), default=0),
        last_on=max((dose.given_on for dose in given), default=None),
        no_sampling_until=no_sampling_until(rule, doses),
        clause=rule.clause("全程和加强的剂次按首剂疫苗的种类确定"),
    )


def _owed(told: Told) -> Owed:
    since, due = _instant(told["since_at"]), _instant(told["due_at"])
    return Owed(UUID(told["test_id"]), told["because"], since, due)


def _instant(told: str) -> datetime:
    return datetime.fromisoformat(told)
