"""Recording a temperature: judged by policy, kept once, noted, in one round trip."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from uuid import UUID

from api.access.audit import noted
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, Problem
from api.foundation.records import Outcome
from api.protocols.policies import MonitoringRule
from api.readings import queries
from api.readings.batches import Counter, Desk, keep_all
from api.readings.judging import Sent, fields_of, judged_by
from api.readings.queries import Judged, Row
from api.readings.schemas import ReadingRecord


async def record_reading(counter: Counter, said: ReadingRecord) -> tuple[Row, bool]:
    """Keep a reading, or find that it is kept already. Returns it and whether it is new.

    What is right costs one round trip, which enters, judges, keeps, notes and commits. Only where
    it keeps nothing is it asked why, which raises `NotFound`, `QuarantineNotRunning`,
    `UnknownWindow`, `ImplausibleValue`, `WindowAlreadyMeasured`, `RecordDiffers` or
    `RecordedInTheFuture`.
    """
    sent = Sent(said)
    kept = await _kept_at_once(counter, sent)
    if kept is not None:
        return kept, True
    async with counter.desk() as desk:
        return await _record_slowly(desk, sent)


async def _kept_at_once(counter: Counter, sent: Sent) -> Row | None:
    try:
        fields = fields_of(sent, counter.caller, counter.database.keyring)
    except (RecordedInTheFuture, InvalidInput):
        return None  # which is told to those only who may enter
    rules = counter.policies.known(counter.caller.cell)
    judged = list(_judged_by_each(rules, sent, fields))
    return await queries.keep(counter.database, counter.caller, fields, judged)


def _judged_by_each(
    rules: Mapping[UUID, MonitoringRule], sent: Sent, fields: Row
) -> Iterator[Judged]:
    for rule in rules.values():
        with suppress(Problem):
            yield judged_by(rule, sent, fields["measured_at"])


async def _record_slowly(desk: Desk, sent: Sent) -> tuple[Row, bool]:
    """Something stood against it, or its policy was not known here yet."""
    (fate,) = await keep_all(desk, [sent])
    if fate.row is None:
        raise fate.problem or NotFound
    new = fate.outcome is Outcome.created
    if new:
        note = noted(desk.caller, "readings.record")
        reach = fate.row["reach"]
        await queries.note(desk.connection, note, subject=sent.said.id, reach=reach)
    return fate.row, new
