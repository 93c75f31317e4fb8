"""Reading tests; what is out of reach is not there."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import NotFound
from api.foundation.records import former
from api.grids.queries import lying_in
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.health_records.schemas import (
    DiagnosticTestHistory,
    DiagnosticTestRead,
    DiagnosticTestRevision,
    SamplingWarning,
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
        raise NotFound("没有找到该检测记录，或不在您的网格范围内。")
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
        col(DiagnosticTest.discarded_at).is_not(None) == wanted.discarded,
        *await lying_in(session, col(DiagnosticTest.grid_id), wanted.grid_id),
    )
    for name in ("resident_id", "quarantine_id", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(DiagnosticTest, name)) == value)
    if wanted.day is not None:
        begins, ends = clock.day_bounds(wanted.day)
        sampled_at = col(DiagnosticTest.sampled_at)
        statement = statement.where(sampled_at >= begins, sampled_at < ends)
    keys = [col(DiagnosticTest.sampled_at), col(DiagnosticTest.id)]
    found = await read_page(session, statement, keys, page, present=as_it_is, descending=True)
    items = await presented(session, found.items)
    return Page(items=items, next_cursor=found.next_cursor)


async def history(session: AsyncSession, test: DiagnosticTest) -> DiagnosticTestHistory:
    """What was said of a test before each of its corrections, oldest first."""
    return DiagnosticTestHistory(
        items=[
            DiagnosticTestRevision(test=_presented(said), **replaced)
            for said, replaced in await former(session, test)
        ]
    )


async def present(session: AsyncSession, test: DiagnosticTest) -> DiagnosticTestRead:
    """A test as the wire shows it."""
    return (await presented(session, [test]))[0]


async def presented(
    session: AsyncSession, rows: Sequence[DiagnosticTest]
) -> list[DiagnosticTestRead]:
    """Tests as the wire shows them, with what had better be known of them; one statement more."""
    soon = set(await session.scalars(_SOON_AFTER_DOSE, {"tests": [row.id for row in rows]}))
    return [
        _presented(row.model_dump(), [SamplingWarning.soon_after_dose] if row.id in soon else [])
        for row in rows
    ]


# As `validity.no_sampling_until`, by the policy of the day of the sample.
_SOON_AFTER_DOSE = text("""
    SELECT t.id FROM diagnostic_tests AS t
    CROSS JOIN LATERAL (SELECT (t.sampled_at AT TIME ZONE 'Asia/Shanghai')::date AS day) AS at
    CROSS JOIN LATERAL (
        SELECT p.no_sampling_hours AS hours FROM validity_policies AS p
        WHERE p.effective_from <= at.day ORDER BY p.effective_from DESC, p.revision DESC LIMIT 1
    ) AS rule
    WHERE t.id = ANY (CAST(:tests AS uuid[])) AND rule.hours > 0 AND EXISTS (
        SELECT FROM vaccinations AS v
        WHERE v.resident_id = t.resident_id AND v.outcome = 'given' AND v.discarded_at IS NULL
            AND v.given_on <= at.day AND t.sampled_at < (v.given_on + 1)::timestamp
                AT TIME ZONE 'Asia/Shanghai' + make_interval(hours => rule.hours)
    )
""")
_FORMERLY: Mapping[str, Any] = {"tube_id": None, "pooled": False}
"""What versions did not say that were kept before there were tubes."""


def _presented(
    columns: Mapping[str, Any], warnings: Sequence[SamplingWarning] = ()
) -> DiagnosticTestRead:
    return DiagnosticTestRead.model_validate({**_FORMERLY, **columns, "warnings": warnings})
