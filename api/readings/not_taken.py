"""Who was not measured on a round, and why: it is told once, and the window stays missing."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from api.access.tokens import Claims
from api.alerts.opening import open_alerts
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.field_records import FromTheField, fill_in
from api.foundation.problems import Problem, RecordDiffers
from api.foundation.records import Outcome, Source
from api.protocols.policies import window_of
from api.readings import queries
from api.readings.alarms import shown_by_untaken
from api.readings.batches import Desk, not_found
from api.readings.judging import refuse_unless_running
from api.readings.models import NotTakenReason
from api.readings.round_schemas import RoundItem, RoundRecord

_KEEP = """
    INSERT INTO readings_not_taken (
        id, version, recorded_at, received_at, performed_by, entered_by, source, quarantine_id,
        grid_id, reach, day, "window", reason
    )
    SELECT id, 1, recorded_at, received_at, performed_by, entered_by, source, quarantine_id,
        grid_id, reach, day, "window", reason
    FROM unnest(
        $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::text[],
        $7::uuid[], $8::uuid[], $9::text[], $10::date[], $11::text[], $12::text[]
    ) AS told (
        id, recorded_at, received_at, performed_by, entered_by, source, quarantine_id, grid_id,
        reach, day, "window", reason
    )
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""
_COLUMNS = (
    "id",
    "recorded_at",
    "received_at",
    "performed_by",
    "entered_by",
    "source",
    "quarantine_id",
    "grid_id",
    "reach",
    "day",
    "window",
    "reason",
)


class Untaken:
    """One person who was not measured: the id it is kept under, and where the request says so."""

    __slots__ = ("id", "person", "quarantine_id", "reason")

    def __init__(self, id_: UUID, quarantine_id: UUID, reason: NotTakenReason, person: str) -> None:
        self.id = id_
        self.quarantine_id = quarantine_id
        self.reason = reason
        self.person = person


async def keep_untaken(desk: Desk, said: RoundRecord, told: Sequence[Untaken]) -> list[RoundItem]:
    """Keep why people were not measured, in one insert; the answers stand in the order told."""
    if not told:
        return []
    proposals = await _proposals(desk, said, told)
    rows = [each for each in proposals if not isinstance(each, Problem)]
    columns = [[row[name] for row in rows] for name in _COLUMNS]
    created = {row["id"] for row in await desk.connection.fetch(_KEEP, *columns)}
    shown = [finding for row in rows if row["id"] in created for finding in shown_by_untaken(row)]
    await open_alerts(desk.connection, shown)
    before = await _reasons(
        desk.connection, [row["id"] for row in rows if row["id"] not in created]
    )
    return [
        _item(each, _outcome(each, proposal, created, before))
        for each, proposal in zip(told, proposals, strict=True)
    ]


async def _proposals(
    desk: Desk, said: RoundRecord, told: Sequence[Untaken]
) -> list[dict[str, Any] | Problem]:
    found = await queries.quarantines(desk.connection, [each.quarantine_id for each in told])
    needed = queries.policies_of(found.values())
    rules = await desk.policies.monitoring(desk.connection, desk.caller.cell, needed)
    proposals: list[dict[str, Any] | Problem] = []
    for each in told:
        quarantine = found.get(each.quarantine_id)
        try:
            if quarantine is None:
                raise not_found(each.person)
            fields = _fields(said, each, desk.caller)
            at = said.measured_at or fields["recorded_at"]
            rule = rules[queries.policy_on(quarantine, clock.local_day(at))]
            slot = window_of(rule, at, said.window)
            refuse_unless_running(quarantine, slot.day, pointer=each.person)
            place = {name: quarantine[name] for name in ("resident_id", "grid_id", "reach")}
            proposals.append(fields | place | {"day": slot.day, "window": slot.window})
        except Problem as problem:
            proposals.append(problem)
    return proposals


def _fields(said: RoundRecord, untaken: Untaken, recorder: Claims) -> dict[str, Any]:
    own = FromTheField.model_construct(
        id=untaken.id,
        recorded_at=said.recorded_at,
        performed_by=said.performed_by,
        source=said.source,
    )
    fields = fill_in(own, entered_by=recorder.worker, source=Source.visit)
    return fields | {"quarantine_id": untaken.quarantine_id, "reason": untaken.reason}


async def _reasons(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    statement = "SELECT id, reason FROM readings_not_taken WHERE id = ANY($1::uuid[])"
    return {row["id"]: row["reason"] for row in await connection.fetch(statement, ids)}


def _outcome(
    untaken: Untaken,
    proposal: dict[str, Any] | Problem,
    created: set[UUID],
    before: Mapping[UUID, str],
) -> Outcome | Problem:
    if isinstance(proposal, Problem):
        return proposal
    if untaken.id in created:
        return Outcome.created
    same = before.get(untaken.id) == untaken.reason.value
    return Outcome.unchanged if same else RecordDiffers(fields=["not_measured"])


def _item(untaken: Untaken, outcome: Outcome | Problem) -> RoundItem:
    refused = isinstance(outcome, Problem)
    return RoundItem(
        id=untaken.id,
        quarantine_id=untaken.quarantine_id,
        outcome=Outcome.refused if refused else outcome,
        problem=outcome.body() if refused else None,
        abnormal=None,
        not_measured=untaken.reason,
    )
