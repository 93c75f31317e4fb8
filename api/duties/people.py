"""Whose a duty was when its time ran out: the people of that moment, not of today."""

from typing import Final

# Who sat on the team at that instant; where it was not as large as its policy wants, or none is
# wanted, the workers of the grid as well (`matters.MINE` says the same of now).
PEOPLE_THEN: Final = """
    WITH seated AS (
        SELECT s.worker_id, s.worker_name FROM care_seats AS s
        WHERE s.quarantine_id = c.quarantine_id AND s.began_at < c.due_at
            AND (s.ended_at IS NULL OR s.ended_at >= c.due_at)
    )
    SELECT worker_id, worker_name AS name FROM seated
    UNION
    SELECT p.worker_id, h.name
    FROM posts AS p CROSS JOIN LATERAL holders(ARRAY[p.id]) AS h
    WHERE p.grid_id = c.grid_id AND p.role = 'grid_worker' AND p.began_at < c.due_at
        AND (p.ended_at IS NULL OR p.ended_at >= c.due_at)
        AND (SELECT count(*) FROM seated) < coalesce(
            (SELECT team.size FROM care_team_policies AS team WHERE team.id = c.care_policy_id),
            2147483647
        )
"""
"""The people of duty `c`, by id and name."""
