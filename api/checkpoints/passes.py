"""Recording a pass: judged by the rule, kept and noted, in one round trip (M2.8).

It comes judged for whoever stands as is usual at its gate (`usual`). Only where somebody stands
otherwise, something is to be told of, or anything stood against it, a transaction is opened that
holds all of it. No other system is asked while the guard waits: what it would say is asked for
afterwards (`rechecks`).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

import orjson

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.arrivals.problems import DocumentsDiffer
from api.checkpoints import pass_queries
from api.checkpoints.gates import (
    Asked,
    Gate,
    Offered,
    Resident,
    Scene,
    Sought,
    at_gate,
    keep_at_gate,
    shown_as,
)
from api.checkpoints.models import GateDecision
from api.checkpoints.pass_queries import Row, Sight
from api.checkpoints.pass_schemas import PassRecord, ShownCard, ShownTest
from api.checkpoints.problems import WhyOtherwise
from api.checkpoints.usual import Outcome, alike, bounds
from api.checkpoints.verdicts import Rule, Standing, Verdict, verdict
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.problems import NotFound, Problem, RecordDiffers
from api.foundation.records import Source
from api.foundation.repeats import differing_fields
from api.foundation.sealed import Keyring

_FILLED_IN = ("recorded_at", "performed_by", "source", "passed_at", "decision", "resident_id")
_SEALED = ("vehicle_plate", "from_place", "to_place")
_INSTANTS: dict[type, tuple[str, ...]] = {
    ShownTest: ("sampled_at", "reported_at"),
    ShownCard: ("updated_at",),
}
_NOT_THEIRS = (
    "出示的证件不是该居民的，请核对是哪一位：不是该居民的，只按证件登记；"
    "登记的证件号有误的，请先更正。"
)
_SEALED_OF_PERSON = ("name", "document", "phone")


async def record_pass(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> tuple[Row, bool]:
    """Keep a pass, or find that it is kept already. Returns what is told of it, and whether new.

    What is red, or should be in quarantine, is told where the person lives, in the same
    transaction, though the guard cannot see that household. Raises `NotFound`, `CheckpointClosed`,
    `NotAColleague`, `RecordedInTheFuture`, `DocumentsDiffer`, `WhyOtherwise`, `RecordDiffers`.
    """
    try:
        sent = _sent(gate, checkpoint_id, said)
        return await _kept_at_once(gate, sent) or await _kept_slowly(gate, sent), True
    except Problem:
        # Sent again, it is no news, whatever has become of the checkpoint or the person since.
        kept = await _kept_before(gate, checkpoint_id, said)
        if kept is None:
            raise
        return kept, False


class Sent(NamedTuple):
    """A pass as it was sent: what it says and shows, what is asked about it, its columns so far."""

    said: PassRecord
    shown: Standing
    asked: Asked
    fields: Row


def _sent(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> Sent:
    fields, person = _fields_of(gate, checkpoint_id, said), said.person
    sought = Sought.by(person, gate.keyring, person=person.resident_id, name=person.name)
    at: datetime = fields["passed_at"]
    asked = Asked(
        checkpoint_id=checkpoint_id,
        sought=sought,
        at=at,
        day=clock.local_day(at),
        performed_by=said.performed_by,
    )
    fields |= {"document_lookup": sought.document, "phone_lookup": sought.phone}
    return Sent(said, shown_as(said.shown, at), asked, fields)


async def _kept_at_once(gate: Gate, sent: Sent) -> Row | None:
    """What is told of the pass, kept by an outcome that is usual; None where it was not kept."""
    usual = gate.lately.at(sent.asked.checkpoint_id, sent.asked.day)
    if usual is None:
        return None
    between = bounds(usual.rule, sent.shown, sent.asked.at)
    shown = _alike(sent, between)
    outcomes = dict(usual.outcomes.get(shown, {}))  # as they are now: others learn meanwhile
    if not outcomes:
        return None
    kept = await keep_at_gate(gate, sent.asked, _offered(sent, usual.rule, between, outcomes))
    if kept is None:
        return None
    standing, grid_id = kept
    usual.keep(shown, standing, outcomes[standing])
    return _told(sent, usual.rule, outcomes[standing], grid_id)


def _offered(
    sent: Sent, rule: Rule, between: list[datetime], outcomes: dict[str, Outcome]
) -> Offered:
    judged = {
        standing: orjson.Fragment(outcome.means)
        for standing, outcome in outcomes.items()
        if not _lacks_reason(sent.said, outcome.verdict.decision)
    }
    told = pass_queries.as_told(sent.fields | {"rule_id": rule.id})
    return Offered(between, told, orjson.dumps(judged).decode())


def _alike(sent: Sent, between: list[datetime]) -> tuple[Any, ...]:
    """What was shown, and whether the person was named: who was, stands as residents do."""
    return sent.said.person.resident_id is not None, *alike(sent.shown, between)


async def _kept_slowly(gate: Gate, sent: Sent) -> Row:
    """In one transaction: what is seen, the pass, and what it tells of."""
    asked = sent.asked
    usual = gate.lately.at(asked.checkpoint_id, asked.day)
    between = bounds(usual.rule, sent.shown, asked.at) if usual is not None else None
    async with gate.opened() as (inside, connection):
        scene = await at_gate(inside, connection, asked, between)
        outcome = _outcome(sent, scene)
        await _keep(inside, connection, sent, scene, outcome)
    learnt = gate.lately.by(scene.rule, asked.checkpoint_id, asked.day)
    if between is not None and learnt is usual and not _alarming(scene, outcome):
        learnt.keep(_alike(sent, between), scene.standing, outcome)
    return _told(sent, scene.rule, outcome, scene.grid_id)


async def _keep(
    gate: Gate, connection: Connection, sent: Sent, scene: Scene, outcome: Outcome
) -> None:
    row, resident = sent.fields | {"rule_id": scene.rule.id}, scene.resident
    seen = Sight(resident.id if resident else None, scene.grid_id, scene.reach)
    if not await pass_queries.keep(connection, row, outcome.means, seen, gate.caller):
        raise RecordDiffers(fields=[])  # perhaps where the caller does not see it
    row |= {"grid_id": scene.grid_id, "reach": scene.reach}
    await open_alerts(connection, list(shown_by_pass(row, resident, outcome.verdict)))


def _alarming(scene: Scene, outcome: Outcome) -> bool:
    """Whether somebody is to be told at once: that is never done beforehand."""
    return outcome.verdict.red or scene.known.controlled


def _outcome(sent: Sent, scene: Scene) -> Outcome:
    """What the rule says in this scene; raises `NotFound`, `DocumentsDiffer`, `WhyOtherwise`."""
    said = sent.said
    if scene.another:
        _refuse_another(said.person.resident_id, scene.resident)
    judged = verdict(scene.rule, scene.known.with_(sent.shown), sent.asked.at)
    if _lacks_reason(said, judged.decision):
        raise WhyOtherwise(verdict=judged.decision.value)
    return Outcome.of(scene.rule, judged)


def _refuse_another(named: UUID | None, resident: Resident | None) -> NoReturn:
    """Raise `NotFound` of who is named and not here, else `DocumentsDiffer`.

    Where no document is on file, what was shown stands for them unless it is somebody else's.
    """
    if resident is None or resident.id != named:
        raise NotFound("没有找到该居民。", pointer="/body/person/resident_id")
    raise DocumentsDiffer(_NOT_THEIRS, pointer="/body/person/document")


def _lacks_reason(said: PassRecord, decision: GateDecision) -> bool:
    """Whether something else was decided, and not why."""
    return said.decision not in {None, decision} and said.decision_reason is None


def _told(sent: Sent, rule: Rule, outcome: Outcome, grid_id: UUID) -> Row:
    """A new pass as the wire shows it: what was just sealed is not opened for it."""
    said, decision = sent.said, outcome.verdict.decision
    row = {
        **sent.fields,
        "person_id": said.person.resident_id,
        "grid_id": grid_id,
        "rule_id": rule.id,
        "verdict": decision,
        "reasons": outcome.reasons,
        "decision": said.decision or decision,
        "later_verdict": None,
        "later_reasons": None,
        "rechecked_at": None,
    }
    plain = {name: getattr(said, name) for name in _SEALED}
    plain |= {name: getattr(said.person, name) for name in _SEALED_OF_PERSON}
    return pass_queries.pass_told(row, plain)


def _fields_of(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> Row:
    """What neither the checkpoint nor its rule decides."""
    fields = fill_in(
        said, entered_by=gate.caller.worker, source=Source.visit, instants=("passed_at",)
    )
    for place, shown in enumerate(said.shown):
        for name in _INSTANTS.get(type(shown), ()):
            told: datetime | None = getattr(shown, name)
            if told is not None:
                refuse_the_future(told, pointer=f"/body/shown/{place}/{name}")
    fields["checkpoint_id"] = checkpoint_id
    fields["passed_at"] = said.passed_at or fields["recorded_at"]
    fields["document_kind"] = said.person.document_kind
    fields["decision"] = said.decision
    fields["decision_reason"] = said.decision_reason
    fields["shown"] = [each.model_dump(mode="json") for each in said.shown]
    for name in _SEALED:
        fields[f"{name}_sealed"] = _sealed(gate.keyring, name, getattr(said, name))
    for name in _SEALED_OF_PERSON:
        fields[f"{name}_sealed"] = _sealed(gate.keyring, name, getattr(said.person, name))
    return fields


def _sealed(keyring: Keyring, name: str, plain: str | None) -> bytes | None:
    return None if plain is None else keyring.seal(plain, context=f"passes.{name}")


def shown_by_pass(row: Row, resident: Resident | None, judged: Verdict) -> Iterator[Finding]:
    """What a pass shows to be abnormal, told where the person lives; of a stranger, at the gate."""
    causes = [Cause.red_code] if judged.red else []
    controlled = resident is not None and resident.quarantine_id is not None
    causes += [Cause.breach] if controlled else []
    for cause in causes:
        yield Finding(
            cause=cause,
            subject_id=resident.id if resident else row["id"],
            grid_id=resident.grid_id if resident else row["grid_id"],
            reach=resident.reach if resident else row["reach"],
            household_id=resident.household_id if resident else None,
            resident_id=resident.id if resident else None,
            quarantine_id=resident.quarantine_id if resident else None,
            kind=EvidenceKind.passing,
            record_id=row["id"],
            key=cause.value,
            found_at=row["passed_at"],
            told_by=row["performed_by"],
        )


async def _kept_before(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> Row | None:
    """What is told of the pass under this id, if the caller sees one.

    Raises `RecordDiffers` unless it said the same, and at this checkpoint.
    """
    async with gate.opened() as (_, connection):
        kept = await pass_queries.find(connection, said.id)
    if kept is None:
        return None
    first = kept["first_said"]  # a late retry must not collide with a correction
    first |= {
        "resident_id": first["person_id"],
        "shown": [each.model_dump() for each in pass_queries.shown_in(first)],
    }
    filled = {name: first[name] for name in _FILLED_IN}
    fields = differing_fields(said, filled, first, table="passes", keyring=gate.keyring)
    if kept["checkpoint_id"] != checkpoint_id:
        fields.append("checkpoint_id")
    if fields:
        raise RecordDiffers(fields=fields)
    return pass_queries.pass_told(kept, pass_queries.plain_in(kept, gate.keyring))
