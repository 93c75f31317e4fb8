"""An alert that nobody answers climbs, step by step, at the minute and never before (M3.5)."""

from datetime import datetime

from api.foundation.database import Connection
from api.foundation.jobs import every


@every(seconds=5, name="alerts.climb")
async def climb(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Tell the next step of every alert whose time is up at `at`; returns how many climbed.

    Each climbs one step, or past those where nobody is found; also the first, where the process
    that opened it told nobody any more (docs/decisions/0024). After a stop the next step is told
    when it really is told, and has its whole time from then on: an hour that nobody was told is not
    taken from those who are told now.
    """
    return await connection.fetchval("SELECT climb_alerts($1)", at)
