"""What is found of somebody before the ride opens an alert, as a reading would (M3.5)."""

from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.movements.models import Transfer
from api.protocols.policies import MonitoringRule, feverish
from api.quarantines.models import Quarantine


async def open_for_rider(
    session: AsyncSession, transfer: Transfer, quarantine: Quarantine, rule: MonitoringRule
) -> None:
    """Open what the check before the ride shows: fever if the value is, symptom if there are any.

    Where the alert is open already, as with whoever is brought to a hospital for it, the check is
    one more record that shows it.
    """
    await open_alerts(
        session, [_finding(transfer, quarantine, cause) for cause in _causes(transfer, rule)]
    )


def _causes(transfer: Transfer, rule: MonitoringRule) -> Iterator[Cause]:
    if transfer.check_c is not None and feverish(rule, float(transfer.check_c)):
        yield Cause.fever
    if transfer.check_symptoms:
        yield Cause.symptom


def _finding(transfer: Transfer, quarantine: Quarantine, cause: Cause) -> Finding:
    # The key keeps it apart from that the same transfer is late (`lateness`).
    return Finding(
        cause=cause,
        subject_id=transfer.resident_id,
        grid_id=transfer.grid_id,
        reach=transfer.reach,
        quarantine_id=quarantine.id,
        kind=EvidenceKind.transfer,
        record_id=transfer.id,
        key=cause.value,
        found_at=transfer.picked_up_at or transfer.recorded_at,
        told_by=transfer.picked_up_by,
    )
