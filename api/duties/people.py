"""Whose a duty was when its time ran out: the people of that moment, not of today."""

from typing import Final

# A grid that was split or merged since was another one then, for the home and for the post, and so
# was the home of who has moved: each says in its history, which follows it, what it said before.
_GRID_THEN = """
    SELECT coalesce(
        (
            SELECT (home.body ->> 'grid_id')::uuid FROM revisions AS home
            WHERE home.record_id = coalesce(lived.household_id, c.household_id)
                AND home.kind = 'households' AND home.replaced_at >= c.due_at
            ORDER BY home.version LIMIT 1
        ), lived.grid_id, c.grid_id
    ) AS grid_id
    FROM (SELECT) AS one
    LEFT JOIN LATERAL (
        SELECT (person.body ->> 'household_id')::uuid AS household_id,
            (person.body ->> 'grid_id')::uuid AS grid_id
        FROM revisions AS person
        WHERE person.record_id = c.resident_id AND person.kind = 'residents'
            AND person.replaced_at >= c.due_at
        ORDER BY person.version LIMIT 1
    ) AS lived ON true
"""

# Whoever had taken an errand upon themselves had it, wherever they serve (`errand_matters`).
_HELD_THEN = """
    SELECT had.worker_id, had.name FROM errands AS e
    LEFT JOIN LATERAL (
        SELECT was.body FROM revisions AS was
        WHERE was.record_id = e.id AND was.kind = 'errands' AND was.replaced_at >= c.due_at
        ORDER BY was.version LIMIT 1
    ) AS was ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN was.body IS NULL THEN e.accepted_by
                ELSE (was.body ->> 'accepted_by')::uuid END AS worker_id,
            CASE WHEN was.body IS NULL THEN e.accepted_by_name
                ELSE was.body ->> 'accepted_by_name' END AS name
    ) AS had
    WHERE e.id = CASE c.kind WHEN 'errand' THEN c.key::uuid END AND had.worker_id IS NOT NULL
"""

# Who sat on the team at that instant; where it was not as large as its policy wants, or none is
# wanted, the workers of the grid as well (`duties.asked` says the same of now), wherever the grids
# that theirs was merged into have taken their posts.
PEOPLE_THEN: Final = f"""
    WITH RECURSIVE held AS ({_HELD_THEN}), seated AS (
        SELECT s.worker_id, s.worker_name FROM care_seats AS s
        WHERE s.quarantine_id = c.quarantine_id AND s.began_at < c.due_at
            AND (s.ended_at IS NULL OR s.ended_at >= c.due_at)
    ), place AS ({_GRID_THEN}), since AS (
        SELECT grid_id FROM place WHERE grid_id <> c.grid_id
        UNION
        SELECT g.merged_into_id FROM since JOIN grids AS g ON g.id = since.grid_id
        WHERE g.merged_into_id IS NOT NULL
    )
    SELECT worker_id, name FROM held
    UNION
    SELECT worker_id, worker_name FROM seated WHERE NOT EXISTS (SELECT FROM held)
    UNION
    SELECT p.worker_id, h.name
    FROM place
    JOIN posts AS p ON p.grid_id = ANY (c.grid_id || ARRAY(SELECT grid_id FROM since))
    CROSS JOIN LATERAL holders(ARRAY[p.id]) AS h
    WHERE place.grid_id = coalesce(
            (
                SELECT (post.body ->> 'grid_id')::uuid FROM revisions AS post
                WHERE post.record_id = p.id AND post.kind = 'posts' AND post.replaced_at >= c.due_at
                ORDER BY post.version LIMIT 1
            ), p.grid_id
        )
        AND p.role = 'grid_worker' AND p.began_at < c.due_at
        AND (p.ended_at IS NULL OR p.ended_at >= c.due_at)
        AND NOT EXISTS (SELECT FROM held) AND (SELECT count(*) FROM seated) < coalesce(
            (SELECT team.size FROM care_team_policies AS team WHERE team.id = c.care_policy_id),
            2147483647
        )
"""
"""The people of duty `c`, by id and name."""
