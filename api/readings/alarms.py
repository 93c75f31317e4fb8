"""What a round shows to be abnormal, told as findings: alerts open with the record (M3.5)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding
from api.foundation.database import Connection
from api.foundation.live import About, tell_all
from api.readings.models import NotTakenReason

Row = Mapping[str, Any]

_BY_REASON = {
    NotTakenReason.absent: Cause.absence,
    NotTakenReason.refused: Cause.refusal,
}
"""Somebody who is in hospital is not where they must not be; of any other reason people decide."""


def shown_by_reading(row: Row) -> Iterator[Finding]:
    """Of a reading as it was judged: fever if the value is, symptom if there are any."""
    if row["fever"]:
        yield _finding(row, Cause.fever, EvidenceKind.reading, found_at="measured_at")
    if row["symptoms"]:
        yield _finding(row, Cause.symptom, EvidenceKind.reading, found_at="measured_at")


async def tell_abnormal(door: AsyncSession | Connection, rows: Sequence[Row]) -> None:
    """Tell whoever listens of each abnormal reading, also where its alert was open before.

    Whoever was told of one is told in the same way that it was put right or discarded.
    """
    about = [About(row["id"], row["reach"], row["grid_id"], row["quarantine_id"]) for row in rows]
    await tell_all(door, "reading.abnormal", about)


def shown_by_untaken(row: Row) -> Iterator[Finding]:
    """Of a reading that was not taken: that the person was not there, or refused."""
    cause = _BY_REASON.get(NotTakenReason(row["reason"]))
    if cause is not None:
        yield _finding(row, cause, EvidenceKind.not_taken, found_at="recorded_at")


def _finding(row: Row, cause: Cause, kind: EvidenceKind, *, found_at: str) -> Finding:
    return Finding(
        cause=cause,
        subject_id=row["resident_id"],
        grid_id=row["grid_id"],
        reach=row["reach"],
        quarantine_id=row["quarantine_id"],
        kind=kind,
        record_id=row["id"],
        key=cause.value,
        found_at=row[found_at],
        told_by=row["performed_by"],
    )
