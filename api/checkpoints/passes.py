"""Recording a pass: judged by the rule, kept and noted, in one round trip (M2.8).

It is judged by what is presumed of whoever stands there; where the database sees something else, it
says what, and the pass is judged anew. Only where something is to be told of, or stood against it,
a transaction is opened that holds all of it. No other system is asked while the guard waits: what
it would say is asked for afterwards (`rechecks`).
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.checkpoints import pass_queries
from api.checkpoints.gates import (
    Asked,
    Gate,
    Passing,
    Resident,
    Scene,
    Sought,
    at_gate,
    presumed_at,
    shown_as,
    systems_to_ask,
)
from api.checkpoints.pass_queries import Row
from api.checkpoints.pass_schemas import PassRecord
from api.checkpoints.problems import WhyOtherwise
from api.checkpoints.verdicts import Verdict, reasons_told, verdict
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.problems import NotFound, Problem, RecordDiffers
from api.foundation.records import Source
from api.foundation.repeats import differing_fields
from api.foundation.sealed import Keyring

_FILLED_IN = ("recorded_at", "performed_by", "source", "passed_at", "decision", "resident_id")
_SEALED = ("vehicle_plate", "from_place", "to_place")
_SEALED_OF_PERSON = ("name", "document", "phone")


async def record_pass(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> tuple[Row, bool]:
    """Keep a pass, or find that it is kept already. Returns it and whether it is new.

    What is red, or should be in quarantine, is told where the person lives, in the same
    transaction, though the guard cannot see that household. Raises `NotFound`, `CheckpointClosed`,
    `NotAColleague`, `RecordedInTheFuture`, `WhyOtherwise`, `RecordDiffers`.
    """
    try:
        sent = _sent(gate, checkpoint_id, said)
        kept = await _kept_at_once(gate, sent)
        return (kept, True) if kept is not None else await _record_slowly(gate, sent)
    except Problem:
        # Sent again, it is no news, whatever has become of the checkpoint or the person since.
        kept = await _find(gate, said)
        if kept is None:
            raise
        return _same(gate, kept, checkpoint_id, said), False


class Sent(NamedTuple):
    """A pass as it was sent: what it says, what is asked about it, its columns so far."""

    said: PassRecord
    asked: Asked
    fields: Row


def _sent(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> Sent:
    fields, person = _fields_of(gate, said), said.person
    sought = Sought.by(person, gate.keyring, person=person.resident_id, name=person.name)
    asked = Asked(
        checkpoint_id=checkpoint_id,
        sought=sought,
        at=fields["passed_at"],
        performed_by=said.performed_by,
    )
    return Sent(said, asked, fields | _lookups(sought))


async def _kept_at_once(gate: Gate, sent: Sent) -> Row | None:
    """The pass, kept by what was presumed or has just been seen; None where it was not kept."""
    scene = presumed_at(gate, sent.asked)
    row = _presumed(sent, scene)
    passing = _passing(row, scene)
    seen, kept = await at_gate(gate, sent.asked, passing)
    if kept is not None:
        return row
    if passing is not None and passing.mark == seen.mark:  # the id is taken
        return None
    proposed = _proposed(sent, seen)
    if proposed.alarming:
        return None
    _, kept = await at_gate(gate, sent.asked, _passing(proposed.row, seen))
    return proposed.row if kept is not None else None


def _passing(row: Row | None, scene: Scene | None) -> Passing | None:
    if row is None or scene is None:
        return None
    return Passing(pass_queries.as_told(row), scene.mark)


def _presumed(sent: Sent, scene: Scene | None) -> Row | None:
    """The pass as it would be if the scene is still so; None where that is not all there is."""
    if scene is None:
        return None
    with suppress(Problem):
        proposed = _proposed(sent, scene)
        return None if proposed.alarming else proposed.row
    return None


async def _record_slowly(gate: Gate, sent: Sent) -> tuple[Row, bool]:
    """In one transaction: what is seen, the pass, and what it tells of."""
    async with gate.opened() as (inside, connection):
        scene, _ = await at_gate(inside, sent.asked)
        proposed = _proposed(sent, scene)
        if await pass_queries.keep(connection, proposed.row, inside.caller):
            await open_alerts(connection, list(shown_by_pass(*proposed)))
            return proposed.row, True
        kept = await pass_queries.find(connection, sent.said.id)
    return _same(gate, kept, sent.asked.checkpoint_id, sent.said), False


async def _find(gate: Gate, said: PassRecord) -> Row | None:
    async with gate.opened() as (_, connection):
        return await pass_queries.find(connection, said.id)


class Proposed(NamedTuple):
    """A pass about to be kept: its columns, the resident it is of, and the rule's verdict."""

    row: Row
    resident: Resident | None
    verdict: Verdict

    @property
    def alarming(self) -> bool:
        """Whether somebody is to be told of it at once."""
        return next(shown_by_pass(*self), None) is not None


def _proposed(sent: Sent, scene: Scene) -> Proposed:
    """The pass in this scene; raises `NotFound`, `WhyOtherwise`."""
    said, at = sent.said, sent.asked.at
    if said.person.resident_id is not None and scene.resident is None:
        raise NotFound("没有找到该居民。", pointer="/body/person/resident_id")
    judged = verdict(scene.rule, scene.known.with_(shown_as(said.shown, at)), at)
    return Proposed(sent.fields | _judged(scene, said, judged), scene.resident, judged)


def _fields_of(gate: Gate, said: PassRecord) -> Row:
    """What neither the checkpoint nor its rule decides."""
    fields = fill_in(
        said, entered_by=gate.caller.worker, source=Source.visit, instants=("passed_at",)
    )
    for place, shown in enumerate(said.shown):
        for name in ("sampled_at", "reported_at", "updated_at"):
            told: datetime | None = getattr(shown, name, None)
            if told is not None:
                refuse_the_future(told, pointer=f"/body/shown/{place}/{name}")
    fields["passed_at"] = said.passed_at or fields["recorded_at"]
    fields["document_kind"] = said.person.document_kind
    fields["decision_reason"] = said.decision_reason
    fields["shown"] = [each.model_dump(mode="json") for each in said.shown]
    for name in _SEALED:
        fields[f"{name}_sealed"] = _sealed(gate.keyring, name, getattr(said, name))
    for name in _SEALED_OF_PERSON:
        fields[f"{name}_sealed"] = _sealed(gate.keyring, name, getattr(said.person, name))
    return fields


def _sealed(keyring: Keyring, name: str, plain: str | None) -> bytes | None:
    return None if plain is None else keyring.seal(plain, context=f"passes.{name}")


def _lookups(sought: Sought) -> Row:
    return {"document_lookup": sought.document, "phone_lookup": sought.phone}


def _judged(scene: Scene, said: PassRecord, judged: Verdict) -> Row:
    """What the rule says, and what was decided; raises `WhyOtherwise`."""
    decision = said.decision or judged.decision
    if decision is not judged.decision and said.decision_reason is None:
        raise WhyOtherwise(verdict=judged.decision.value)
    resident = scene.resident
    told_apart = said.person.document or said.person.phone or resident
    return {
        "checkpoint_id": scene.checkpoint_id,
        "grid_id": scene.grid_id,
        "reach": scene.reach,
        "person_id": resident.id if resident else None,
        "rule_id": scene.rule.id,
        "verdict": judged.decision,
        "reasons": reasons_told(judged),
        "decision": decision,
        "recheck": judged.recheck and told_apart is not None,
        "recheck_after": scene.rule.recheck,
        "recheck_for": scene.rule.recheck_for,
        "systems": systems_to_ask(scene.rule),
        "later_verdict": None,
        "later_reasons": None,
        "rechecked_at": None,
    }


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


def _same(gate: Gate, kept: Row | None, checkpoint_id: UUID, said: PassRecord) -> Row:
    """The pass under this id, if it said the same and at this checkpoint; `RecordDiffers` else."""
    if kept is None:  # the id was used where the caller does not see
        raise RecordDiffers(fields=[])
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
    return kept
