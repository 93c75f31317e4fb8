"""Opening an alert in the transaction of the record that shows it: at once, and once (M3.5).

There is one open alert for each cause and subject; what shows it again is added to it, and a
resolved one that is shown again is open again, with a new clock. Who is told, and what becomes of
it when nobody answers, the database decides (`open_alerts`): those above are out of the caller's
sight.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause, EvidenceKind
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.records import json_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something abnormal, and the record that shows it.

    The subject of what concerns a person is the resident. `grid_id` and `reach` are those of the
    record. The same record shows one thing by one `key`: one that shows two has two. Where the
    quarantine is told, person and household need not be; where the person is, it is found.
    """

    cause: Cause
    subject_id: UUID
    grid_id: UUID
    reach: str
    kind: EvidenceKind
    record_id: UUID
    found_at: datetime
    key: str = ""
    household_id: UUID | None = None
    resident_id: UUID | None = None
    quarantine_id: UUID | None = None
    told_by: UUID | None = None
    note_sealed: bytes | None = None


NOTE = "alert_evidence.note"
"""The context in which the note of a finding is sealed."""


async def open_alert(
    door: AsyncSession | Connection, finding: Finding, *, at: datetime | None = None
) -> UUID | None:
    """The alert that a finding opened or was added to; None where it was evidence already.

    Its clock begins now, or `at` the instant that a sweep looks at.
    """
    [alert] = await open_alerts(door, [finding], at=at)
    return alert


async def open_alerts(
    door: AsyncSession | Connection, findings: Sequence[Finding], *, at: datetime | None = None
) -> list[UUID | None]:
    """As `open_alert`, of many in one statement; the answers stand in the order of the findings."""
    if not findings:
        return []
    at = at or clock.now()
    said = json_of(list(findings)).decode()
    if isinstance(door, AsyncSession):
        opening = text("SELECT open_alerts(CAST(:said AS jsonb), CAST(:at AS timestamptz))")
        alerts: Any = await door.scalar(opening, {"said": said, "at": at})
    else:
        alerts = await door.fetchval("SELECT open_alerts($1::jsonb, $2)", said, at)
    return list(alerts)


async def evidence_discarded(
    door: AsyncSession | Connection, kind: EvidenceKind, *records: UUID
) -> None:
    """Say of records that were discarded that they show nothing any more; their alerts stand."""
    told = {"at": clock.now(), "kind": kind.value, "records": list(records)}
    if isinstance(door, AsyncSession):
        await door.execute(text(_DISCARD.format(at=":at", kind=":kind", records=":records")), told)
    else:
        await door.execute(_DISCARD.format(at="$1", kind="$2", records="$3"), *told.values())


_DISCARD = """
    UPDATE alert_evidence SET discarded_at = {at}, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE kind = {kind} AND record_id = ANY (CAST({records} AS uuid[])) AND discarded_at IS NULL
"""


async def evidence_moved(
    connection: Connection, kind: EvidenceKind, moved: Mapping[UUID, UUID]
) -> None:
    """Say of records that another one now says the same: it shows what they showed, no more."""
    await connection.execute(_MOVE, kind.value, list(moved), list(moved.values()))


_MOVE = """
    UPDATE alert_evidence AS e SET record_id = moved.after, version = version + 1,
        changed_xid = pg_current_xact_id()
    FROM unnest($2::uuid[], $3::uuid[]) AS moved (before, after)
    WHERE e.kind = $1 AND e.record_id = moved.before
"""


async def evidence_corrected(
    session: AsyncSession, kind: EvidenceKind, record: UUID, *, shows: Collection[str]
) -> None:
    """Say what a record shows now that it was corrected, by its keys: the rest of it no more.

    What it shows for the first time, or again, is then opened: that its alert was closed in
    between because it showed nothing does not close what it shows after all.
    """
    told = {"at": clock.now(), "kind": kind.value, "record": record, "shows": list(shows)}
    await session.execute(_CORRECT, told)


_CORRECT = text("""
    UPDATE alert_evidence SET discarded_at = :at, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE kind = :kind AND record_id = :record AND discarded_at IS NULL
        AND key <> ALL (CAST(:shows AS text[]))
""")
