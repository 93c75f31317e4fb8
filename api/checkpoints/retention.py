"""Passes are kept for as long as their rule says, and not a day longer (domain 2.7)."""

from datetime import datetime
from uuid import UUID

from api.foundation.database import Connection
from api.foundation.jobs import every

_MOST_AT_ONCE = 20_000

# What an alert says it was shown by stays: an id that leads nowhere any more.
_FORGET = """
    WITH over AS (
        SELECT p.id FROM checkpoint_rules AS r
        JOIN passes AS p ON p.rule_id = r.id
            AND p.passed_at < $1::timestamptz - make_interval(days => r.retention_days)
        LIMIT $2
    ), waiting AS (
        DELETE FROM passes_to_check WHERE id IN (SELECT id FROM over)
    ), asked AS (
        DELETE FROM gate_look_ups AS l USING checkpoint_rules AS r
        WHERE r.id = l.rule_id AND l.at < $1 - make_interval(days => r.retention_days)
    ), forgotten AS (
        DELETE FROM passes WHERE id IN (SELECT id FROM over) RETURNING id
    )
    SELECT array_agg(id) FROM forgotten
"""
_FORGET_HISTORY = "SELECT forget_history_of_passes($1)"


@every(seconds=3600, name="checkpoints.retention")
async def forget_passes(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Delete the passes, and the look-ups, that are older than their rule lets them grow.

    What was said of a pass before it was put right goes with it.
    """
    gone: list[UUID] = await connection.fetchval(_FORGET, at, _MOST_AT_ONCE) or []
    if gone:
        await connection.execute(_FORGET_HISTORY, gone)
    return len(gone)
