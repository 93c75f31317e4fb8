"""Samples owed alone in “my day”: of a pool that was not negative, or a positive antigen (M2.7).

SQL as in `matters`: it speaks of `here` (`duties.asked`) and `$3` (now).
"""

from typing import Final

from api.duties.asked import HERE
from api.health_records.retests import RECENT, owed

RETESTS: Final = f"""
    SELECT 'retest', owed.because, 'nucleic_acid', NULL, owed.test_id, NULL, owed.resident_id,
        r.household_id, NULL, owed.since_at, owed.due_at
    FROM (
        SELECT DISTINCT ON (resident_id) * FROM ({owed("$3::timestamptz")}) AS every
        WHERE {HERE}
        ORDER BY resident_id, due_at
    ) AS owed
    JOIN residents AS r ON r.id = owed.resident_id AND r.left_on IS NULL
        AND r.discarded_at IS NULL
"""
"""One sample answers whatever somebody owes."""

RETESTS_TURN: Final = f"""
    SELECT unnest(ARRAY[t.reported_at, t.reported_at + {RECENT}]) FROM diagnostic_tests AS t
    WHERE t.{HERE} AND t.discarded_at IS NULL
        AND (t.pooled AND t.outcome = 'inconclusive'
            OR t.kind = 'antigen' AND t.outcome = 'positive')
    UNION ALL
    SELECT t.sampled_at FROM diagnostic_tests AS t
    WHERE t.sampled_at > $3::timestamptz AND EXISTS (SELECT FROM here)
"""
"""When, by the clock alone, a sample comes to be owed, or is no longer."""
