"""Reading tests; what is out of reach is not there."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import Revision
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.health_records.schemas import (
    DiagnosticTestHistory,
    DiagnosticTestRead,
    DiagnosticTestRevision,
)


class DiagnosticTestFilter(BaseModel):
    """Which tests are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    resident_id: UUID | None = None
    quarantine_id: UUID | None = None
    outcome: DiagnosticOutcome | None = None
    day: date | None = None
    discarded: bool = False


async def diagnostic_test_of(session: AsyncSession, test_id: UUID) -> DiagnosticTest:
    """The test; raises `NotFound`."""
    test = await session.get(DiagnosticTest, test_id)
    if test is None:
        raise NotFound("没有找到该检测记录,或不在您的网格范围内。")
    return test


async def tests_of(
    session: AsyncSession, resident_ids: Collection[UUID], since: datetime, until: datetime
) -> dict[UUID, list[DiagnosticTest]]:
    """The tests that count of several residents, sampled from `since` to before `until`, by time.

    Discarded ones are left out; whoever has none is left out too.
    """
    statement = (
        select(DiagnosticTest)
        .where(
            col(DiagnosticTest.resident_id).in_(resident_ids),
            col(DiagnosticTest.sampled_at) >= since,
            col(DiagnosticTest.sampled_at) < until,
            col(DiagnosticTest.discarded_at).is_(None),
        )
        .order_by(col(DiagnosticTest.sampled_at), col(DiagnosticTest.id))
    )
    found: dict[UUID, list[DiagnosticTest]] = {}
    for test in await session.scalars(statement):
        found.setdefault(test.resident_id, []).append(test)
    return found


async def tests(
    session: AsyncSession, wanted: DiagnosticTestFilter, page: PageRequest
) -> Page[DiagnosticTestRead]:
    """Tests, those sampled last first."""
    statement = select(DiagnosticTest).where(
        col(DiagnosticTest.discarded_at).is_not(None) == wanted.discarded
    )
    for name in ("grid_id", "resident_id", "quarantine_id", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(DiagnosticTest, name)) == value)
    if wanted.day is not None:
        begins, ends = clock.day_bounds(wanted.day)
        sampled_at = col(DiagnosticTest.sampled_at)
        statement = statement.where(sampled_at >= begins, sampled_at < ends)
    keys = [col(DiagnosticTest.sampled_at), col(DiagnosticTest.id)]
    return await read_page(session, statement, keys, page, present=present, descending=True)


async def history(session: AsyncSession, test: DiagnosticTest) -> DiagnosticTestHistory:
    """What was said of a test before each of its corrections, oldest first."""
    statement = (
        select(Revision)
        .where(col(Revision.record_id) == test.id, Revision.kind == "diagnostic_tests")
        .order_by(col(Revision.version))
    )
    return DiagnosticTestHistory(
        items=[
            DiagnosticTestRevision(
                test=_presented(revision.body),
                replaced_at=revision.replaced_at,
                replaced_by=revision.replaced_by,
                reason=revision.reason,
            )
            for revision in await session.scalars(statement)
        ]
    )


def present(test: DiagnosticTest) -> DiagnosticTestRead:
    """A test as the wire shows it."""
    return _presented(test.model_dump())


def _presented(columns: Mapping[str, Any]) -> DiagnosticTestRead:
    return DiagnosticTestRead.model_validate(dict(columns))
