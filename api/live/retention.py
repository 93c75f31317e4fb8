"""Events are for those who listen, not a record: after a week they are forgotten."""

from datetime import datetime, timedelta

from api.foundation.database import Connection
from api.foundation.jobs import every

KEPT = timedelta(days=7)
"""Longer than a phone is without a signal; who was away longer fetches everything anew."""


@every(seconds=3600, name="live.forget")
async def forget(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001
    """Forget what happened more than a week before `at`; how much that was."""
    forgotten: int = await connection.fetchval("SELECT purge_events($1)", at - KEPT)
    return forgotten
