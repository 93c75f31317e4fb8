"""When somebody was at the door of those served, day by day: a part of what is due (`duties.due`).

SQL after the CTEs `days` and `served`; it speaks of `$3` (now).
"""

from typing import Final

ONE_KNOCK: Final = "interval '1 hour'"
"""What was done at one door within this time of the record before was done on the same visit."""


def home_at(at: str, *, of: str = "d.resident_id", now: str = "d.household_id") -> str:
    """The household where somebody lived at an instant, by their history; `now` it is that one."""
    return f"""coalesce((
        SELECT (former.body ->> 'household_id')::uuid FROM revisions AS former
        WHERE former.record_id = {of} AND former.kind = 'residents'
            AND former.replaced_at >= {at}
        ORDER BY former.version LIMIT 1
    ), {now})"""


# A temperature taken at the door is a visit too (`protocols.documents.Stage.visits_per_day`).
# `knocks` also tells of the homes of those whom a worker serves elsewhere, out of their reach.
# Who has moved since was visited where they lived on that day, as their history says.
KNOCKS: Final = f"""
    doors AS MATERIALIZED (
        SELECT d.quarantine_id, d.day, d.begins, d.ends, home.id AS household_id
        FROM served AS d
        CROSS JOIN LATERAL (
            SELECT d.household_id
            WHERE d.ends > $3::timestamptz
            UNION
            SELECT {home_at("edge")} FROM unnest(ARRAY[d.begins, d.ends]) AS edge
            WHERE d.ends <= $3::timestamptz
        ) AS home (id)
        WHERE d.visits_per_day > 0
    ), knocked AS (
        SELECT made.quarantine_id, made.day, array_agg(made.at ORDER BY made.at) AS at,
            array_agg(made.by ORDER BY made.at) AS by
        FROM (
            SELECT seen.*, seen.at - lag(seen.at) OVER (
                PARTITION BY seen.quarantine_id, seen.day ORDER BY seen.at
            ) AS since
            FROM (
                SELECT d.quarantine_id, d.day, k.at, k.by
                FROM doors AS d
                JOIN knocks(
                    (SELECT array_agg(household_id) FROM doors),
                    (SELECT min(begins) FROM days), (SELECT max(ends) FROM days)
                ) AS k ON k.household_id = d.household_id AND k.at >= d.begins AND k.at < d.ends
                UNION ALL
                SELECT d.quarantine_id, d.day, r.measured_at, r.performed_by
                FROM served AS d
                JOIN readings AS r ON r.quarantine_id = d.quarantine_id AND r.day = d.day
                    AND r.source = 'visit' AND r.discarded_at IS NULL
                WHERE d.visits_per_day > 0
            ) AS seen (quarantine_id, day, at, by)
        ) AS made
        WHERE made.since IS NULL OR made.since > {ONE_KNOCK}
        GROUP BY made.quarantine_id, made.day
    )
"""
"""The CTE `knocked`: of each person and day the instants, and who it was."""
