"""Who takes up a post while an order runs is told of it too, until its deadline (M1.6, M1.7)."""

from datetime import datetime
from typing import Final

from api.directives.service import ANSWERING, SENT
from api.foundation.database import Connection
from api.foundation.jobs import every

# Also at a grid that was opened since it was issued. Who served before was told then, or was not
# meant: an order to a grid that was merged into theirs since is not one to them. Whose predecessor
# at the same grid has answered it owes it no more.
_SEND: Final = f"""
    WITH addressed AS (
        SELECT d.id AS directive_id, p.id, p.worker_id, p.role, p.grid_id, p.reach
        FROM directives AS d
        JOIN posts AS p ON p.reach >= d.reach AND p.reach < d.reach || '/'
            AND p.began_at > d.issued_at AND p.began_at <= $1
            AND (p.ended_at IS NULL OR p.ended_at > $1)
            AND p.id <> d.issued_post
            AND p.role = ANY (CASE cardinality(d.roles) WHEN 0 THEN $2::text[] ELSE d.roles END)
            AND p.role = ANY ($2::text[])
        JOIN grids AS g ON g.id = p.grid_id
            AND (cardinality(d.levels) = 0 OR g.level = ANY (d.levels))
        WHERE d.status = 'issued' AND d.deadline_at > $1 AND NOT EXISTS (
            SELECT FROM directive_receipts AS r JOIN posts AS held ON held.id = r.post_id
            WHERE r.directive_id = d.id AND (
                r.post_id = p.id
                OR r.grid_id = p.grid_id AND r.role = p.role AND held.ended_at <= $1
                    AND CASE WHEN d.needs_report THEN r.reported_at ELSE r.acknowledged_at END
                        IS NOT NULL
            )
        )
    ), {SENT.format(at="$1")}
"""


@every(seconds=30, name="directives.newcomers")
async def tell_newcomers(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - the form of a sweep
    """Send each running order to the posts it is for that have begun since."""
    return len(await connection.fetch(_SEND, at, [str(role) for role in ANSWERING]))
