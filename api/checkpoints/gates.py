"""What a gate needs to know of its checkpoint and of who stands there: one statement (M2.8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from api.access.tokens import Claims
from api.checkpoints.pass_schemas import (
    Documented,
    Shown,
    ShownCard,
    ShownCode,
    ShownDoses,
    ShownTest,
)
from api.checkpoints.problems import CheckpointClosed
from api.checkpoints.queries import no_such_checkpoint
from api.checkpoints.rules import RuleShelf
from api.checkpoints.verdicts import Card, Code, Rule, Sample, Standing
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.sealed import Keyring
from api.health_records.models import CodeState, DiagnosticOutcome


@dataclass(frozen=True, slots=True)
class Gate:
    """Where passes are kept: who stands there, the open transaction, the rules, the keys."""

    caller: Claims
    connection: Connection
    rules: RuleShelf
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Sought:
    """By what somebody at a gate is looked for in the register."""

    person: UUID | None = None
    document: bytes | None = None
    phone: bytes | None = None
    name: str | None = None

    @classmethod
    def by(
        cls, told: Documented, keyring: Keyring, *, person: UUID | None, name: str | None
    ) -> "Sought":
        """The keyed hashes of what was told."""
        document, phone = told.document, told.phone
        return cls(
            person=person,
            document=keyring.lookup(document, context="document") if document else None,
            phone=keyring.lookup(phone, context="phone") if phone else None,
            name=name,
        )


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody of the township, wherever they live: where to tell of them, and no more."""

    id: UUID
    household_id: UUID
    grid_id: UUID
    reach: str
    name: str
    quarantine_id: UUID | None

    @classmethod
    def of(cls, row: Any) -> "Resident | None":
        """Whom `person_at_gate` found, if anybody."""
        if row is None or row["person_id"] is None:
            return None
        return cls(
            id=row["person_id"],
            household_id=row["household_id"],
            grid_id=row["home_grid_id"],
            reach=row["home_reach"],
            name=row["name"],
            quarantine_id=row["quarantine_id"],
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """A checkpoint with its rule of the day, and who stands there, if the register knows them."""

    checkpoint_id: UUID
    grid_id: UUID
    reach: str
    rule: Rule
    resident: Resident | None
    known: Standing
    by_colleague: bool


_SCENE = """
    SELECT c.grid_id AS gate_grid_id, c.reach AS gate_reach,
        c.opened_at <= $8 AND (c.closed_at IS NULL OR c.closed_at > $8) AS stands,
        (
            SELECT r.id FROM checkpoint_rules AS r
            WHERE r.code = c.rule_code AND r.effective_from <= $7
            ORDER BY r.revision DESC LIMIT 1
        ) AS rule_id,
        $6::uuid IS NULL OR EXISTS (SELECT FROM colleagues(ARRAY[$6::uuid])) AS by_colleague,
        who.person_id, who.household_id, who.home_grid_id, who.home_reach, who.name,
        who.quarantine_id, who.codes::text, who.card::text, who.sample::text, who.doses, who.exempt
    FROM checkpoints AS c
    LEFT JOIN LATERAL person_at_gate($2, $3, $4, $5, $7, $8) AS who ON true
    WHERE c.id = $1
"""


async def scene_at(
    gate: Gate,
    checkpoint_id: UUID,
    sought: Sought,
    *,
    at: datetime,
    performed_by: UUID | None = None,
) -> Scene:
    """What is known at a checkpoint of who stands there; raises `NotFound`, `CheckpointClosed`."""
    other = performed_by if performed_by != gate.caller.worker else None
    asked = (sought.person, sought.document, sought.phone, sought.name, other)
    day = clock.local_day(at)
    row = await gate.connection.fetchrow(_SCENE, checkpoint_id, *asked, day, at)
    if row is None:
        raise no_such_checkpoint()
    if not row["stands"] or row["rule_id"] is None:
        raise CheckpointClosed
    return Scene(
        checkpoint_id=checkpoint_id,
        grid_id=row["gate_grid_id"],
        reach=row["gate_reach"],
        rule=await gate.rules.rule(gate.connection, gate.caller.cell, row["rule_id"]),
        resident=Resident.of(row),
        known=known_of(row),
        by_colleague=row["by_colleague"],
    )


def known_of(row: Any) -> Standing:
    """What the health records say of somebody, as `person_at_gate` tells it."""
    if row is None or row["person_id"] is None:
        return Standing()
    codes = orjson.loads(row["codes"] or "[]")
    card, sample = orjson.loads(row["card"] or "null"), orjson.loads(row["sample"] or "null")
    return Standing(
        codes=tuple(
            Code(system, CodeState(state), _instant(seen_at), until and _instant(until))
            for system, state, seen_at, until in codes
        ),
        cards=(Card(card[0], _instant(card[1])),) if card else (),
        samples=(_sample(*sample),) if sample else (),
        doses=row["doses"],
        exempt=row["exempt"],
        controlled=row["quarantine_id"] is not None,
    )


def _sample(outcome: str, sampled_at: str, reported_at: str | None) -> Sample:
    reported = None if reported_at is None else _instant(reported_at)
    return Sample(DiagnosticOutcome(outcome), _instant(sampled_at), reported)


_instant = datetime.fromisoformat


def shown_as(shown: Iterable[Shown], at: datetime) -> Standing:
    """What was shown at an instant, as a rule reads it."""
    told = list(shown)
    return Standing(
        codes=tuple(Code(e.system, e.state, at) for e in told if isinstance(e, ShownCode)),
        cards=tuple(Card(e.at_risk, e.updated_at or at) for e in told if isinstance(e, ShownCard)),
        samples=tuple(
            Sample(e.outcome, e.sampled_at, e.reported_at) for e in told if isinstance(e, ShownTest)
        ),
        doses=max((e.doses for e in told if isinstance(e, ShownDoses)), default=0),
    )


def systems_to_ask(rule: Rule) -> list[str]:
    """The systems that a rule takes; none named means whichever is asked first."""
    return [
        system for proof in rule.proofs if proof.proof == "health_code" for system in proof.systems
    ]
