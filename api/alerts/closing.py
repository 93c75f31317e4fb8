"""Closing an alert that only the clock opened, when what it was about is owed no more.

What somebody saw stays an alert until two people have dealt with it, though its record be discarded
(`opening.evidence_discarded`). That something was late rests on nothing but a deadline.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause, EvidenceKind
from api.alerts.presenting import ACTION_NOTE
from api.foundation import clock
from api.foundation.database import Connection, keyring_of
from api.foundation.live import About, tell_all

# Nobody verified it: who took away its ground, and why, stands with the record itself.
_CLOSE = """
    WITH closed AS (
        UPDATE alerts AS a SET status = 'verified', verified_at = {at}, climbs_at = NULL,
            version = version + 1, changed_xid = pg_current_xact_id()
        WHERE {which} AND a.status <> 'verified'
        RETURNING a.id, a.reach, a.grid_id, a.quarantine_id
    ), noted AS (
        INSERT INTO alert_actions (
            id, version, reach, alert_id, quarantine_id, verb, at, note_sealed
        )
        SELECT gen_random_uuid(), 1, reach, id, quarantine_id, 'verify', {at}, {note} FROM closed
    )
    SELECT id, reach, grid_id, quarantine_id FROM closed
"""
_NAMED = {"at": "CAST(:at AS timestamptz)", "note": "CAST(:note AS bytea)"}
_GROUNDLESS = text(
    _CLOSE.format(
        which="a.cause = :cause AND a.subject_id = ANY (CAST(:subjects AS uuid[]))", **_NAMED
    )
)
_UNSHOWN = """
    a.id = ANY ({alerts}) AND NOT EXISTS (
        SELECT FROM alert_evidence AS e WHERE e.alert_id = a.id AND e.discarded_at IS NULL
    )
"""
_UNSHOWN_NAMED = text(
    _CLOSE.format(which=_UNSHOWN.format(alerts="CAST(:alerts AS uuid[])"), **_NAMED)
)
_UNSHOWN_BARE = _CLOSE.format(
    which=_UNSHOWN.format(alerts="$1::uuid[]"), at="$2::timestamptz", note="NULL"
)
# Locked before what they lose is taken from them: what is added to one meanwhile is there by then.
_SHOWN = text("""
    SELECT a.id FROM alerts AS a
    WHERE a.cause = :cause AND a.status <> 'verified' AND EXISTS (
        SELECT FROM alert_evidence AS e WHERE e.alert_id = a.id AND e.kind = :kind
            AND e.record_id = ANY (CAST(:records AS uuid[])) AND e.discarded_at IS NULL
    )
    ORDER BY a.id FOR UPDATE
""")
_DISCARD = text("""
    UPDATE alert_evidence SET discarded_at = :at, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE alert_id = ANY (CAST(:alerts AS uuid[])) AND kind = :kind
        AND record_id = ANY (CAST(:records AS uuid[])) AND discarded_at IS NULL
""")


async def close_groundless(
    session: AsyncSession, cause: Cause, subjects: Sequence[UUID], *, why: str
) -> None:
    """Close what is still open about these subjects; its timeline says why."""
    told = {
        "cause": cause,
        "subjects": list(subjects),
        "at": clock.now(),
        "note": _note(session, why),
    }
    closed = await session.execute(_GROUNDLESS, told)
    await tell_all(session, "alert.verified", [About(*row) for row in closed])


async def lose_ground(
    session: AsyncSession, cause: Cause, kind: EvidenceKind, records: Sequence[UUID], *, why: str
) -> None:
    """Say of records that they do not show `cause` any more, and close what nothing else shows."""
    told = {"kind": kind, "records": list(records)}
    alerts = [*await session.scalars(_SHOWN, {"cause": cause, **told})]
    if alerts:
        now = {"alerts": alerts, "at": clock.now()}
        await session.execute(_DISCARD, now | told)
        closed = await session.execute(_UNSHOWN_NAMED, now | {"note": _note(session, why)})
        await tell_all(session, "alert.verified", [About(*row) for row in closed])


async def close_unshown(connection: Connection, alerts: Sequence[UUID], at: datetime) -> None:
    """Of locked alerts, close those that nothing shows any more; their evidence says since when.

    Why is told by their cause (`presenting`).
    """
    closed = await connection.fetch(_UNSHOWN_BARE, list(alerts), at)
    await tell_all(connection, "alert.verified", [About(*row) for row in closed])


def _note(session: AsyncSession, why: str) -> bytes:
    return keyring_of(session).seal(why, context=ACTION_NOTE)
