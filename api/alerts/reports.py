"""An alert reported by hand: the report is kept once, as what shows the alert."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.alerts.models import BY_THE_CLOCK, Alert, AlertEvidence, Cause, EvidenceKind
from api.alerts.opening import NOTE, Finding, open_alert
from api.alerts.schemas import AlertReport
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import InvalidInput, NotFound, RecordDiffers
from api.grids.queries import grid_in_reach
from api.registry.masked import opened
from api.registry.models import Household, Resident

_OLDEST = timedelta(days=365)
_OF_ITSELF = "漏测、人员不齐和各种逾期由系统自行发现，不用人工上报。"
_AT_THE_SITE = "采样点、接种点的问题请在该站点的问题中上报。"
_TOO_OLD = "发现的时间早于一年前，请检查手机的时间后重新提交。"


@dataclass(frozen=True, slots=True)
class Place:
    """What a report is about, and where that lies."""

    subject_id: UUID
    grid_id: UUID
    reach: str
    household_id: UUID | None = None
    resident_id: UUID | None = None


async def report_alert(
    session: AsyncSession, reporter: Claims, said: AlertReport
) -> tuple[Alert, bool]:
    """Open an alert by hand, or add to the one that is open; returns it and whether that is news.

    Raises `NotFound`, `InvalidInput`, `RecordedInTheFuture`, `RecordDiffers`.
    """
    _refuse(said)
    place = await _place(session, said)
    news = await open_alert(session, _finding(session, reporter, said, place)) is not None
    alert, evidence = await _kept(session, said)
    if news:
        details = {"alert": str(alert.id), "cause": said.cause.value}
        subject, reach = said.id, alert.reach
        audit(session, reporter, "alerts.report", subject=subject, reach=reach, details=details)
    elif fields := _differing(session, said, alert, evidence):
        raise RecordDiffers(fields=fields)
    return alert, news


def _refuse(said: AlertReport) -> None:
    if said.cause in BY_THE_CLOCK:
        raise InvalidInput(_OF_ITSELF, pointer="/body/cause")
    if said.cause is Cause.site_problem:
        raise InvalidInput(_AT_THE_SITE, pointer="/body/cause")
    if said.recorded_at is not None:
        refuse_the_future(said.recorded_at, pointer="/body/recorded_at")
        if said.recorded_at < clock.now() - _OLDEST:
            raise InvalidInput(_TOO_OLD, pointer="/body/recorded_at")


async def _place(session: AsyncSession, said: AlertReport) -> Place:
    if said.grid_id is not None:
        grid = await grid_in_reach(session, said.grid_id, pointer="/body/grid_id")
        return Place(grid.id, grid.id, grid.path)
    if said.household_id is not None:
        home = await session.get(Household, said.household_id)
        if home is None or home.discarded_at is not None:
            raise NotFound("没有找到该户，或不在您的网格范围内。", pointer="/body/household_id")
        return Place(home.id, home.grid_id, home.reach, household_id=home.id)
    person = await session.get(Resident, said.resident_id)
    if person is None or person.discarded_at is not None:
        raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer="/body/resident_id")
    return Place(
        person.id,
        person.grid_id,
        person.reach,
        household_id=person.household_id,
        resident_id=person.id,
    )


def _finding(session: AsyncSession, reporter: Claims, said: AlertReport, place: Place) -> Finding:
    note = None if said.note is None else keyring_of(session).seal(said.note, context=NOTE)
    return Finding(
        cause=said.cause,
        subject_id=place.subject_id,
        grid_id=place.grid_id,
        reach=place.reach,
        household_id=place.household_id,
        resident_id=place.resident_id,
        kind=EvidenceKind.report,
        record_id=said.id,
        found_at=said.recorded_at or clock.now(),
        told_by=reporter.worker,
        note_sealed=note,
    )


async def _kept(session: AsyncSession, said: AlertReport) -> tuple[Alert, AlertEvidence]:
    statement = (
        select(Alert, AlertEvidence)
        .join(AlertEvidence, col(AlertEvidence.alert_id) == Alert.id)
        .where(AlertEvidence.record_id == said.id, AlertEvidence.kind == EvidenceKind.report)
        .where(col(AlertEvidence.discarded_at).is_(None))
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:  # the id was used where the caller does not see
        raise RecordDiffers(fields=[])
    return found[0], found[1]


def _differing(
    session: AsyncSession, said: AlertReport, alert: Alert, evidence: AlertEvidence
) -> list[str]:
    """What the same report said otherwise the first time; what it leaves out is not compared."""
    first: dict[str, Any] = {
        "cause": alert.cause,
        "resident_id": alert.resident_id,
        "household_id": alert.household_id if alert.resident_id is None else None,
        "grid_id": alert.grid_id if alert.household_id is None else None,
        "note": opened(keyring_of(session), evidence.note_sealed, context=NOTE),
        "recorded_at": evidence.found_at,
    }
    now = said.model_dump(exclude={"id"} if said.recorded_at else {"id", "recorded_at"})
    return [name for name, value in now.items() if value != first[name]]
