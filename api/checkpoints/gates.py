"""What a gate needs to know of its checkpoint and of who stands there: one statement (M2.8)."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.access.caller import entering, entry_of
from api.access.colleagues import NotAColleague
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
from api.checkpoints.usual import Recollection
from api.checkpoints.verdicts import Card, Code, Rule, Sample, Standing
from api.foundation.database import Connection, Database, cell_schema
from api.foundation.identity import DocumentKind, document_lookup
from api.foundation.logs import request_id
from api.foundation.records import new_id
from api.foundation.sealed import Keyring
from api.health_records.models import CardColour, CodeState, DiagnosticOutcome


@dataclass(frozen=True, slots=True)
class Gate:
    """Where passes are kept: who stands there, the database, the rules, perhaps a transaction."""

    caller: Claims
    database: Database
    rules: RuleShelf
    lately: Recollection
    connection: Connection | None = None

    @property
    def keyring(self) -> Keyring:
        return self.database.keyring

    async def call(self, function: str, *told: Any) -> Any:
        """What a function answers that enters by itself: within the transaction, else alone."""
        name, asked = f"{cell_schema(self.caller.cell)}.{function}", (*entering(self.caller), *told)
        if self.connection is None:
            return await self.database.at_once(name, *asked)
        places = ", ".join(f"${place}" for place in range(1, len(asked) + 1))
        return await self.connection.fetchrow(f"SELECT * FROM {name}({places})", *asked)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[tuple["Gate", Connection]]:
        """The same gate with a transaction that holds everything done at it."""
        async with self.database.connection(entry_of(self.caller, writing=True)) as connection:
            yield replace(self, connection=connection), connection


@dataclass(frozen=True, slots=True)
class Sought:
    """By what somebody at a gate is looked for in the register."""

    person: UUID | None = None
    document_kind: DocumentKind | None = None
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
            document_kind=told.document_kind,
            document=document_lookup(keyring, told.document_kind, document),
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
    """A checkpoint with its rule of the day, and who stands there, if the register knows them.

    `standing` is what the database makes of all that is known of them, between the `bounds` asked.
    `another` is true where a resident was named and is not here, or the document is not theirs.
    """

    checkpoint_id: UUID
    grid_id: UUID
    reach: str
    rule: Rule
    resident: Resident | None
    known: Standing
    standing: str
    another: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where, about whom, at what time and by whom a gate asks.

    Whether somebody should be at home is asked by the `day`: a quarantine and its stages begin and
    end on days, as protocols count, and no hour of theirs is known. Who is released is free at
    once, since it is no longer active; leave, hospital and transfers are asked by the instant.
    """

    checkpoint_id: UUID
    sought: Sought
    at: datetime
    day: date
    performed_by: UUID | None = None


class Offered(NamedTuple):
    """A pass as the database reads it, with what it means for each standing that is usual."""

    bounds: list[datetime]
    said: str
    judged: str


async def keep_at_gate(gate: Gate, asked: Asked, offered: Offered) -> tuple[str, UUID] | None:
    """Keep a pass by the standing that is seen; returns that and the checkpoint's grid.

    None where anything at all stood against it.
    """
    row = await _called(gate, asked, *offered)
    return (row["standing"], row["gate_grid_id"]) if row["kept"] else None


async def at_gate(
    gate: Gate, connection: Connection, asked: Asked, bounds: list[datetime] | None = None
) -> Scene:
    """What is seen at a checkpoint. Raises `NotFound`, `CheckpointClosed`, `NotAColleague`."""
    row = await _called(gate, asked, bounds, None, None)
    if row["gate_grid_id"] is None:
        raise no_such_checkpoint()
    if not row["stands"] or row["rule_id"] is None:
        raise CheckpointClosed
    if not row["by_colleague"]:
        raise NotAColleague
    return Scene(
        checkpoint_id=asked.checkpoint_id,
        grid_id=row["gate_grid_id"],
        reach=row["gate_reach"],
        rule=await gate.rules.rule(connection, gate.caller.cell, row["rule_id"]),
        resident=Resident.of(row),
        known=known_of(row),
        standing=row["standing"],
        another=row["another"],
    )


async def _called(gate: Gate, asked: Asked, *told: Any) -> Any:
    sought, caller = asked.sought, gate.caller
    whom = sought.person, sought.document_kind, sought.document, sought.phone, sought.name
    other = asked.performed_by if asked.performed_by != caller.worker else None
    note = new_id(), request_id.get()
    return await gate.call(
        "pass_gate", asked.checkpoint_id, *whom, other, asked.day, asked.at, *told, *note
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
        cards=tuple(
            Card(e.at_risk or e.colour is not CardColour.green, e.updated_at or at)
            for e in told
            if isinstance(e, ShownCard)
        ),
        samples=tuple(
            Sample(e.outcome, e.sampled_at, e.reported_at) for e in told if isinstance(e, ShownTest)
        ),
        doses=max((e.doses for e in told if isinstance(e, ShownDoses)), default=0),
    )
