"""Looking up somebody out of reach: what the gate needs, noted where the person lives, throttled.

Somebody without a record is answered as somebody unknown: what lacks, lacks for both.
"""

import orjson

from api.access.audit import NOTED, noted
from api.checkpoints.gates import Asked, Gate, Scene, Sought, at_gate
from api.checkpoints.look_up_schemas import GateLookUpAsk, GateLookUpRead
from api.checkpoints.models import GateDecision
from api.checkpoints.searching import refuse_searching
from api.checkpoints.verdicts import verdict
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.identity import mask_name
from api.foundation.records import new_id

MOST = 20
"""Look-ups of one worker within `WITHIN`: more than a queue at a gate needs, too few to search."""

_KEEP = f"""
    WITH kept AS (
        INSERT INTO gate_look_ups (
            id, version, reach, checkpoint_id, worker_id, at, rule_id, answer, keep_until
        ) VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8)
    )
    INSERT INTO audit_entries ({NOTED}, subject_id, details, reach)
    VALUES ($9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""


async def look_up(gate: Gate, said: GateLookUpAsk) -> GateLookUpRead:
    """What the rule of a checkpoint says of somebody, from what the township's records hold.

    Raises `NotFound`, `CheckpointClosed`, and `TooMany` with the seconds to wait.
    """
    async with gate.opened() as (inside, connection):
        worker = gate.caller.worker
        await refuse_searching(connection, "gate_look_ups", worker, clock.now(), most=MOST)
        return await _looked_up(inside, connection, said)


async def _looked_up(gate: Gate, connection: Connection, said: GateLookUpAsk) -> GateLookUpRead:
    now = clock.now()
    sought = Sought.by(said, gate.keyring, person=None, name=said.name)
    day = clock.local_day(now)
    asked = Asked(checkpoint_id=said.checkpoint_id, sought=sought, at=now, day=day)
    scene = await at_gate(gate, connection, asked)
    judged = verdict(scene.rule, scene.known, now)
    told = GateLookUpRead.model_validate(
        {
            "id": new_id(),
            "answer": judged.decision,
            "name": mask_name(scene.resident.name) if scene.resident else None,
            "lacking": [r for r in judged.reasons if r.decision is not GateDecision.through],
            "at": now,
            "keep_until": now + scene.rule.answer_kept,
        }
    )
    await _note(gate, connection, scene, told, said.purpose)
    return told


async def _note(
    gate: Gate, connection: Connection, scene: Scene, told: GateLookUpRead, purpose: str
) -> None:
    """Kept at the checkpoint, and noted where the person lives: there it is known who asked."""
    resident = scene.resident
    details = {
        "checkpoint_id": str(scene.checkpoint_id),
        "answer": told.answer.value,
        "reason": purpose,
    }
    await connection.execute(
        _KEEP,
        told.id,
        scene.reach,
        scene.checkpoint_id,
        gate.caller.worker,
        told.at,
        scene.rule.id,
        told.answer,
        told.keep_until,
        *noted(gate.caller, "gates.look-up"),
        resident.id if resident else told.id,
        orjson.dumps(details).decode(),
        resident.reach if resident else scene.reach,
    )
