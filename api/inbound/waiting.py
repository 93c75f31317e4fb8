"""How much is held for people unknown here, since when and until when: counts, and nobody's."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.clients.caller import ClientClaims
from api.foundation import clock
from api.foundation.database import Connection
from api.inbound.models import EventKind
from api.inbound.waiting_schemas import HeldCount, HeldCounts, OwnHeldCount

LATELY_DAYS = 7
_KEPT = timedelta(days=90)

_HELD = text("""
    WITH held AS (
        SELECT client_id, kind, count(*) AS held, min(received_at) AS since_at,
            min(expires_at) AS next_expires_at, max(expires_at) AS last_expires_at
        FROM held_events WHERE expires_at > :now
            AND (CAST(:client AS uuid) IS NULL OR client_id = :client)
        GROUP BY client_id, kind
    ), lately AS (
        SELECT client_id, kind, sum(matched)::integer AS matched,
            sum(forgotten)::integer AS forgotten
        FROM held_days WHERE day >= :since
            AND (CAST(:client AS uuid) IS NULL OR client_id = :client)
        GROUP BY client_id, kind
    )
    SELECT client_id, c.name AS client_name, kind, coalesce(held, 0) AS held, since_at,
        next_expires_at, last_expires_at, coalesce(matched, 0) AS matched,
        coalesce(forgotten, 0) AS forgotten
    FROM held FULL JOIN lately USING (client_id, kind)
    JOIN public.machine_clients AS c ON c.id = client_id
    ORDER BY c.name, client_id, kind
""")


async def held_counts(session: AsyncSession) -> HeldCounts:
    """What is held of every system in reach, by system and kind."""
    rows = await _counted(session, None)
    return HeldCounts(
        items=[HeldCount.model_validate(row) for row in rows], lately_days=LATELY_DAYS
    )


async def own_held_count(
    session: AsyncSession, client: ClientClaims, kind: EventKind
) -> OwnHeldCount:
    """What is held of one kind that this client told."""
    rows = await _counted(session, client.client)
    nothing: dict[str, Any] = dict.fromkeys(OwnHeldCount.model_fields)
    nothing |= {"held": 0, "matched": 0, "forgotten": 0}
    found = next((row for row in rows if row["kind"] == kind), nothing)
    told = {name: found[name] for name in OwnHeldCount.model_fields if name in found}
    return OwnHeldCount.model_validate({**told, "kind": kind, "lately_days": LATELY_DAYS})


async def _counted(session: AsyncSession, client: UUID | None) -> list[dict[str, Any]]:
    since = clock.today() - timedelta(days=LATELY_DAYS - 1)
    told = {"now": clock.now(), "since": since, "client": client}
    return [dict(row) for row in (await session.execute(_HELD, told)).mappings()]


_GONE = """
    WITH gone AS (
        DELETE FROM held_events WHERE {which} RETURNING client_id, grid_id, reach, kind
    ), counted AS (
        INSERT INTO held_days (
            id, version, reach, client_id, grid_id, kind, day, matched, forgotten
        )
        SELECT gen_random_uuid(), 1, max(reach), client_id, (array_agg(grid_id))[1], kind, $2,
            {matched}, {forgotten}
        FROM gone GROUP BY client_id, kind
        ON CONFLICT (day, client_id, kind) DO UPDATE SET
            matched = held_days.matched + excluded.matched,
            forgotten = held_days.forgotten + excluded.forgotten,
            version = held_days.version + 1, changed_xid = pg_current_xact_id()
    )
    SELECT count(*) FROM gone
"""
_MATCHED = _GONE.format(which="id = ANY ($1)", matched="count(*)", forgotten="0")
_FORGOTTEN = _GONE.format(which="expires_at <= $1", matched="0", forgotten="count(*)")


async def count_matched(connection: Connection, ids: list[UUID], day: date) -> None:
    """Let held events be over that met their person on a day, and count them."""
    await connection.execute(_MATCHED, ids, day)


async def count_forgotten(connection: Connection, at: datetime, day: date) -> int:
    """Let held events be over whose time has passed, and count them; how many those were.

    The counts themselves are forgotten after a season.
    """
    await connection.execute("DELETE FROM held_days WHERE day < $1", day - _KEPT)
    gone: int = await connection.fetchval(_FORGOTTEN, at, day)
    return gone
