"""From events to deliveries: each event once for each subscription, none passed by.

Events are numbered when they are told and become visible when their transaction commits. The cursor
is therefore a snapshot (docs/decisions/0014): told is what it saw, however late the rest commits.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.clients.scopes import Scope
from api.foundation.database import Connection
from api.foundation.jobs import every

CURSOR = "webhooks"
FAN_OUT = "webhooks.fan_out"


@every(seconds=5, name=FAN_OUT)
async def fan_out(connection: Connection, cell: str, at: datetime) -> int:
    """Owe every event since the last time to those who asked for it; returns how many are owed.

    The cursor moves in the same transaction. Where nobody ever asked, there is no cursor.
    """
    cursor = await connection.fetchrow(_CURSOR, CURSOR)
    if cursor is None:
        return 0
    await connection.execute(_FOLLOW, cell)
    # Restored from another cluster it is ahead of this one: then the events' numbers decide.
    restored = cursor["ahead"]
    since, seq = ("0", cursor["seq"]) if restored else (cursor["since"], None)
    done: Any = await connection.fetchrow(_FAN_OUT, cursor["told"], since, seq, cell, at)
    if done["events"]:
        await connection.execute(_MOVE, CURSOR, done["now"], done["last"])
    return done["owed"]


async def begin_to_read(session: AsyncSession) -> int:
    """Have events read from this transaction on, unless they are; the number of the last before."""
    await session.execute(text(_BEGIN), {"name": CURSOR})
    return await session.scalar(text("SELECT coalesce(max(seq), 0) FROM events")) or 0


_CURSOR = """
    SELECT told, seq, pg_snapshot_xmin(told::pg_snapshot)::text AS since,
        pg_snapshot_xmax(told::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()) AS ahead
    FROM event_cursors WHERE name = $1 FOR UPDATE
"""
_BEGIN = """
    INSERT INTO event_cursors (name, told, seq)
    SELECT CAST(:name AS text), pg_current_snapshot()::text, coalesce(max(seq), 0) FROM events
    ON CONFLICT (name) DO NOTHING
"""

# A client may be let in for another grid; what it asked for goes with it.
_FOLLOW = """
    WITH moved AS (
        UPDATE webhook_subscriptions s SET reach = g.path, changed_xid = pg_current_xact_id()
        FROM public.machine_clients c JOIN grids g ON g.id = c.grid_id
        WHERE c.id = s.client_id AND c.cell = $1 AND s.ended_at IS NULL AND s.reach <> g.path
        RETURNING s.id, s.reach
    )
    UPDATE webhook_deliveries d SET reach = moved.reach FROM moved
    WHERE d.subscription_id = moved.id
"""
_MOVE = "UPDATE event_cursors SET told = $2, seq = greatest(seq, $3) WHERE name = $1"

# One statement, so that the snapshot kept is the one that the events were looked for in.
# Whoever has expired is owed nothing, also if prolonged later: there was no agreement then.
_FAN_OUT = f"""
    WITH news AS MATERIALIZED (
        SELECT e.seq, e.kind, e.subject_id, e.reach, e.at FROM events e
        WHERE e.xid >= $2::text::xid8 AND CASE
            WHEN $3::bigint IS NULL THEN NOT pg_visible_in_snapshot(e.xid, $1::text::pg_snapshot)
            ELSE e.seq > $3
        END
    ), owed AS (
        INSERT INTO webhook_deliveries (
            id, reach, subscription_id, seq, type, subject_id, at, status, attempts, next_at,
            created_at
        )
        SELECT gen_random_uuid(), s.reach, s.id, n.seq, n.kind, n.subject_id, n.at, 'pending', 0,
            $5::timestamptz, $5::timestamptz
        FROM news n
        JOIN webhook_subscriptions s ON n.kind = ANY (s.event_types) AND n.seq > s.after_seq
            AND s.ended_at IS NULL
        JOIN public.machine_clients c ON c.id = s.client_id AND c.cell = $4
            AND c.disabled_at IS NULL AND c.expires_at > $5
            AND '{Scope.webhooks_manage}' = ANY (c.scopes)
        JOIN grids g ON g.id = c.grid_id AND n.reach >= g.path AND n.reach < g.path || '/'
        ON CONFLICT (subscription_id, seq) DO NOTHING
        RETURNING id
    )
    SELECT pg_current_snapshot()::text AS now, (SELECT count(*) FROM news) AS events,
        (SELECT coalesce(max(seq), 0) FROM news) AS last, (SELECT count(*) FROM owed) AS owed
"""
