"""Who owes a sample of their own: derived from results, never kept beside them.

Whoever shared a tube that was not negative is tested alone (单采复核); a positive antigen is
confirmed by a nucleic-acid test. Owed until such a sample is taken whose result says something.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import driver_of
from api.foundation.pages import Page, PageRequest, page_of, start_of
from api.grids.queries import ids_within
from api.health_records.retest_schemas import RetestRead

RECENT: Final = "interval '14 days'"
"""What is older was answered elsewhere or is past answering."""


def owed(at: str) -> str:
    """SQL for what is owed at an instant: test, resident, why, since when and until when."""
    return f"""
        SELECT t.id AS test_id, t.resident_id, t.grid_id, t.reach, t.reported_at AS since_at,
            CASE t.kind WHEN 'antigen' THEN 'antigen' ELSE 'pool' END AS because,
            t.reported_at + make_interval(hours => (
                SELECT p.retest_hours FROM validity_policies AS p
                WHERE p.effective_from <= ({at} AT TIME ZONE 'Asia/Shanghai')::date
                ORDER BY p.effective_from DESC, p.revision DESC LIMIT 1
            )) AS due_at
        FROM diagnostic_tests AS t
        WHERE t.discarded_at IS NULL
            AND (t.pooled AND t.outcome = 'inconclusive'
                OR t.kind = 'antigen' AND t.outcome = 'positive')
            AND t.reported_at <= {at} AND t.reported_at > {at} - {RECENT}
            AND NOT EXISTS (
                SELECT FROM diagnostic_tests AS own
                WHERE own.resident_id = t.resident_id AND own.sampled_at > t.sampled_at
                    AND own.sampled_at <= {at} AND own.kind = 'nucleic_acid' AND NOT own.pooled
                    AND own.outcome NOT IN ('invalid', 'inconclusive')
                    AND own.discarded_at IS NULL
            )
    """


_PAGE = f"""
    SELECT owed.test_id, owed.because, owed.since_at, owed.due_at, owed.resident_id, owed.grid_id,
        r.name AS resident_name, r.household_id
    FROM ({owed("$1::timestamptz")}) AS owed
    JOIN residents AS r ON r.id = owed.resident_id
    WHERE ($2::uuid[] IS NULL OR owed.grid_id = ANY ($2))
        AND ($3::timestamptz IS NULL OR (owed.due_at, owed.test_id) > ($3, $4::uuid))
    ORDER BY owed.due_at, owed.test_id LIMIT $5
"""


async def page_of_retests(
    session: AsyncSession, page: PageRequest, *, grid_id: UUID | None
) -> Page[RetestRead]:
    """What is owed now, the soonest due first. Raises `InvalidInput` for a foreign cursor."""
    after = start_of(page, [datetime, UUID])
    connection = await driver_of(session)
    grids = None if grid_id is None else await ids_within(session, grid_id)
    rows = await connection.fetch(_PAGE, clock.now(), grids, *after, page.limit + 1)
    return page_of(rows, page, ("due_at", "test_id"), present=RetestRead.model_validate)
