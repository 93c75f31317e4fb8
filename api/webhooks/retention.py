"""What was delivered, and what nobody wanted delivered any more, is forgotten after a month."""

from datetime import datetime, timedelta

from api.foundation.database import Connection
from api.foundation.jobs import every

KEPT = timedelta(days=30)
_AT_ONCE = 20_000


@every(seconds=3600, name="webhooks.forget")
async def forget(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Forget deliveries that were owed a month before `at`, with their attempts; how many."""
    return await connection.fetchval(_FORGET, at - KEPT, _AT_ONCE)


_FORGET = """
    WITH old AS (
        SELECT id FROM webhook_deliveries WHERE created_at < $1 ORDER BY created_at LIMIT $2
    ), attempts AS (
        DELETE FROM webhook_attempts WHERE delivery_id IN (SELECT id FROM old)
    ), forgotten AS (
        DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM old) RETURNING id
    )
    SELECT count(*) FROM forgotten
"""
