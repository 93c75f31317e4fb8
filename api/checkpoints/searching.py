"""Whoever looks people up is slowed down: enough for a queue, too few to search the township."""

import math
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.foundation.database import Connection
from api.foundation.problems import TooMany

WITHIN = timedelta(minutes=10)

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 0))"
_LATELY = "SELECT count(*) AS number, min(at) AS first FROM {kept} WHERE worker_id = $1 AND at > $2"


async def refuse_searching(
    connection: Connection, kept: str, worker: UUID, now: datetime, *, most: int
) -> None:
    """Raise `TooMany` for one whose look-ups in the table `kept` are `most` within `WITHIN`.

    Counted one after the other, so that asking in parallel gains nothing.
    """
    await connection.execute(_LOCK, kept, str(worker))
    row: Any = await connection.fetchrow(_LATELY.format(kept=kept), worker, now - WITHIN)
    if row["number"] >= most:
        seconds = max(1, math.ceil((row["first"] + WITHIN - now).total_seconds()))
        raise TooMany(
            f"查询过于频繁，请{math.ceil(seconds / 60)}分钟后再试。", retry_after_seconds=seconds
        )
