"""Whom somebody looked up at a site is forgotten once nobody can tell of them by it any more."""

from datetime import datetime, timedelta

from api.foundation.database import Connection
from api.foundation.jobs import every

_KEPT = timedelta(days=30)
"""After a look-up has ended: a phone that was away sends again what it told by it, and is heard."""


@every(seconds=3600, name="sites.forget_look_ups")
async def forget_look_ups(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001
    """Delete the look-ups that ended more than a month before `at`; how many those were."""
    gone = await connection.execute("DELETE FROM site_look_ups WHERE keep_until < $1", at - _KEPT)
    return int(gone.rpartition(" ")[2])
