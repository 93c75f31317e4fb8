"""Of whom a duty is asked: whose care somebody is in, which grids' matters are the caller's.

SQL for “my day”, as CTEs; it speaks of `$2` (today), `$3` (now), and of the caller: `$4` the post's
grid, `$7` the role. Where a grid has no worker of its own, its matters are asked of the nearest who
decides, as the CTE `nearer` knows them (`duties.nearest`): not to be forgotten until it has one.
"""

from typing import Final

from api.access.permissions import Permission, roles_with
from api.duties.nearest import nearest

_OWN = "SELECT $4::uuid AS grid_id WHERE $7 = 'grid_worker'"
_UNMANNED = f"""
    SELECT g.id FROM grids AS g
    WHERE g.closed_at IS NULL AND NOT EXISTS (
            SELECT FROM posts AS p
            WHERE p.grid_id = g.id AND p.role = 'grid_worker' AND p.began_at <= $3::timestamptz
                AND (p.ended_at IS NULL OR p.ended_at > $3::timestamptz)
        ) AND {nearest("g.path")}
"""

_MINE = """
    mine AS MATERIALIZED (
        SELECT q.id FROM quarantines AS q
        WHERE q.id = ANY (
                string_to_array(nullif(current_setting('onegrid.duties'), ''), ',')::uuid[]
            )
            AND q.status IN ('planned', 'active')
        UNION
        SELECT q.id FROM quarantines AS q
        LEFT JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
            AND $2::date BETWEEN s.starts_on AND s.ends_on
        WHERE q.grid_id IN (SELECT grid_id FROM here)
            AND q.status IN ('planned', 'active')
            AND CASE WHEN s.care_policy_id <> q.care_policy_id
                THEN team_lacks(q.id, s.care_policy_id) ELSE NOT q.team_complete END
    )
"""


def whose(*, manages: bool) -> str:
    """The CTEs `here`, the grids whose matters are the caller's, and `mine`, those in their care.

    In their care by a seat, or by the grid where no team is complete.
    """
    unmanned = f"UNION {_UNMANNED}" if manages else ""
    return f"here AS MATERIALIZED ({_OWN} {unmanned}), {_MINE}"


HERE: Final = "grid_id IN (SELECT grid_id FROM here)"

_SAMPLERS = ", ".join(f"'{role.value}'" for role in roles_with(Permission.health_records_record))
TO_SAMPLE: Final = f"""q.id IN (
        SELECT id FROM mine
        UNION
        SELECT other.id FROM quarantines AS other
        WHERE other.{HERE} AND other.status IN ('planned', 'active')
            AND other.id NOT IN (SELECT id FROM mine) AND NOT EXISTS (
                SELECT FROM care_seats AS s
                WHERE s.quarantine_id = other.id AND s.ended_at IS NULL AND s.role IN ({_SAMPLERS})
                    AND serves_over(s.worker_id, other.reach, $3::timestamptz)
            )
    )"""
"""Whoever may not record a sample is asked for none. Where nobody of a team may, or reaches those
who live there as well, the grid's workers take it."""
