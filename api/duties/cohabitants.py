"""Who lives with somebody and is tested on the same days (domain 3.3.7): a part of what is due.

SQL beside the CTE `planned` of `duties.due`, whose columns it selects; it speaks of `$3` (now).
"""

from typing import Final

from api.duties.doors import home_at

MOVED: Final = """
    moved AS MATERIALIZED (
        SELECT DISTINCT r.id, (lived.body ->> 'household_id')::uuid AS household_id
        FROM residents AS r
        JOIN revisions AS lived ON lived.record_id = r.id AND lived.kind = 'residents'
        WHERE r.version > 1
    )
"""
"""Where people within reach have ever lived; nothing is looked up unless it is asked."""

_STILL = """
    SELECT r.* FROM residents AS r
    WHERE r.household_id = home.household_id AND r.household_id = p.household_id
        AND r.left_on IS NULL
"""
_EVER = """
    SELECT r.* FROM residents AS r
    WHERE r.household_id = home.household_id AND (r.left_on IS NULL OR r.left_on > p.day)
    UNION
    SELECT r.* FROM moved JOIN residents AS r ON r.id = moved.id
    WHERE moved.household_id = home.household_id AND (r.left_on IS NULL OR r.left_on > p.day)
"""


def cohabitants(*, still: bool) -> str:
    """Whoever lived there when the days of the sample ran out, as the histories of both say.

    Who moved in later, or was registered since, owes none of before; who has left since owed theirs
    on that day, and owes none any more (`still`).
    """
    return f"""
        SELECT p.quarantine_id, r.id, p.household_id, p.grid_id, p.reach, p.ended_on,
            p.received_at, p.care_policy_id, p.cohabitant_rule, p.test, p.samples, p.day,
            p.opens_at, p.due_at
        FROM planned AS p
        CROSS JOIN LATERAL (SELECT least(p.due_at, $3::timestamptz) AS at) AS edge
        CROSS JOIN LATERAL (
            SELECT {home_at("edge.at", of="p.resident_id", now="p.household_id")} AS household_id
        ) AS home
        CROSS JOIN LATERAL ({_STILL if still else _EVER}) AS r
        WHERE p.cohabitant_rule = 'same_test_days' AND r.id <> p.resident_id
            AND r.discarded_at IS NULL AND r.recorded_at < p.due_at
            AND {home_at("edge.at", of="r.id", now="r.household_id")} = home.household_id
            AND NOT EXISTS (
                SELECT FROM quarantines AS own
                WHERE own.resident_id = r.id AND own.discarded_at IS NULL
                    AND own.started_on <= p.day AND (own.ended_on IS NULL OR own.ended_on >= p.day)
            )
    """
