"""Rules of checkpoints: made like every policy, kept ready, and the one in force on a day."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.checkpoints.models import CheckpointRule, GateDecision, WhenUnavailable
from api.checkpoints.rule_schemas import CheckpointRuleRecord, HealthCodeProof
from api.checkpoints.rule_schemas import Proof as ProofOnTheWire
from api.checkpoints.verdicts import Proof, Rule
from api.foundation.database import Connection
from api.foundation.records import Proposal
from api.health_records.models import CodeState
from api.protocols.faults import Fault, refuse
from api.protocols.service import next_revision

THREE_CODES = "three_codes"
"""The rule that every cell begins with (三码联查)."""

_PROOFS: TypeAdapter[list[Proof]] = TypeAdapter(list[ProofOnTheWire])


async def make_checkpoint_rule(
    session: AsyncSession, caller: Claims, rule: CheckpointRuleRecord
) -> tuple[CheckpointRule, bool]:
    """Keep a rule; returns it and whether it is new. Passes already recorded keep theirs.

    Raises `InvalidInput`, `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    refuse(_faults(rule))
    told: dict[str, Any] = rule.model_dump()
    told["proofs"] = [proof.model_dump(mode="json") for proof in rule.proofs]
    row = CheckpointRule(**told, revision=1)
    return await next_revision(session, caller, Proposal(said=rule, row=row))


def _faults(rule: CheckpointRuleRecord) -> Iterator[Fault]:
    kinds = Counter(proof.proof for proof in rule.proofs)
    for place, proof in enumerate(rule.proofs):
        if kinds[proof.proof] > 1:
            yield f"proofs/{place}/proof", "同一项查验只能出现一次。"
        if isinstance(proof, HealthCodeProof):
            yield from _faults_of_meanings(proof, f"proofs/{place}/means")


def _faults_of_meanings(proof: HealthCodeProof, place: str) -> Iterator[Fault]:
    if proof.means.get(CodeState.red) is GateDecision.through:
        yield f"{place}/red", "红码不得放行。"
    if CodeState.green in proof.means:
        yield f"{place}/green", "绿码即符合，不另作规定。"
    if CodeState.unavailable in proof.means:
        yield f"{place}/unavailable", "查询不到的，由 on_unavailable 规定。"


_ALL = """
    SELECT id, code, proofs::text, on_unavailable, recheck_minutes, recheck_hours, answer_minutes
    FROM checkpoint_rules
"""


class RuleShelf:
    """Rules by cell and id, kept ready: a revision never changes, so none grows stale.

    One shelf belongs to one database; the application holds it (`app.state.gate_rules`).
    """

    def __init__(self) -> None:
        self._rules: dict[str, dict[UUID, Rule]] = {}

    async def rule(self, connection: Connection, cell: str, needed: UUID) -> Rule:
        """One rule of a cell; reads the database only for one not met yet."""
        rules = self._rules.setdefault(cell, {})
        if needed not in rules:
            for row in await connection.fetch(_ALL):
                rules[row["id"]] = _rule(dict(row))
        return rules[needed]


def _rule(row: Mapping[str, Any]) -> Rule:
    return Rule(
        id=row["id"],
        code=row["code"],
        proofs=tuple(_PROOFS.validate_python(orjson.loads(row["proofs"]))),
        on_unavailable=WhenUnavailable(row["on_unavailable"]),
        recheck=timedelta(minutes=row["recheck_minutes"]),
        recheck_for=timedelta(hours=row["recheck_hours"]),
        answer_kept=timedelta(minutes=row["answer_minutes"]),
    )
