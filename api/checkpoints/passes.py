"""Recording a pass: judged by the rule, kept and noted, in two round trips (M2.8).

One reads who stands there, the next keeps the pass. Only where something is to be told of, or stood
against it, a transaction is opened that holds both. No other system is asked while the guard waits:
what it would say is asked for afterwards (`rechecks`).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from api.access.colleagues import NotAColleague
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.checkpoints import pass_queries
from api.checkpoints.gates import (
    Gate,
    Resident,
    Scene,
    Sought,
    scene_at,
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
        proposed = await _propose(gate, checkpoint_id, said)
        if not proposed.alarming and await pass_queries.keep(gate, proposed.row):
            return proposed.row, True
        return await _record_slowly(gate, checkpoint_id, said)
    except Problem:
        # Sent again, it is no news, whatever has become of the checkpoint or the person since.
        kept = await _find(gate, said)
        if kept is None:
            raise
        return _same(gate, kept, checkpoint_id, said), False


async def _record_slowly(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> tuple[Row, bool]:
    async with gate.opened() as (inside, connection):
        proposed = await _propose(inside, checkpoint_id, said)
        if await pass_queries.keep(inside, proposed.row):
            await open_alerts(connection, list(shown_by_pass(*proposed)))
            return proposed.row, True
        kept = await pass_queries.find(connection, said.id)
    return _same(gate, kept, checkpoint_id, said), False


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


async def _propose(gate: Gate, checkpoint_id: UUID, said: PassRecord) -> Proposed:
    fields = _fields_of(gate, said)
    at, person = fields["passed_at"], said.person
    sought = Sought.by(person, gate.keyring, person=person.resident_id, name=person.name)
    scene = await scene_at(gate, checkpoint_id, sought, at=at, performed_by=said.performed_by)
    _refuse_strangers(scene, said)
    judged = verdict(scene.rule, scene.known.with_(shown_as(said.shown, at)), at)
    row = fields | _judged(scene, said, judged) | _lookups(sought)
    return Proposed(row, scene.resident, judged)


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


def _refuse_strangers(scene: Scene, said: PassRecord) -> None:
    if not scene.by_colleague:
        raise NotAColleague
    if said.person.resident_id is not None and scene.resident is None:
        raise NotFound("没有找到该居民。", pointer="/body/person/resident_id")


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
    first = kept | {
        "resident_id": kept["person_id"],
        "shown": [each.model_dump() for each in pass_queries.shown_in(kept)],
    }
    filled = {name: first[name] for name in _FILLED_IN}
    fields = differing_fields(said, filled, first, table="passes", keyring=gate.keyring)
    if kept["checkpoint_id"] != checkpoint_id:
        fields.append("checkpoint_id")
    if fields:
        raise RecordDiffers(fields=fields)
    return kept
