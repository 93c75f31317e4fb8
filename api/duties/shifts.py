"""Shifts in “my day”: where the caller is on duty today, from the roster's own rows (M2.8).

SQL as in `matters`: it speaks of `$2` (today), `$3` (now) and `$6` (the worker).
"""

from typing import Final

from api.foundation.local_days import midnight

# At a site the work is that of its session: the open one is counted at, one still to come is opened
# first; where none is planned yet, there is none to name.
SHIFTS: Final = f"""
    SELECT 'shift', CASE
            WHEN d.place_kind = 'checkpoint' THEN 'checkpoint' WHEN held.id IS NULL THEN 'none'
            WHEN held.status = 'planned' THEN 'open' ELSE 'site'
        END, d.role, d.place_name, coalesce(held.id, d.place_id), NULL, NULL::uuid, NULL::uuid,
        NULL, d.starts_at, d.ends_at
    FROM duty_shifts AS d
    LEFT JOIN LATERAL (
        SELECT s.id, s.status FROM site_sessions AS s
        WHERE s.site_id = d.place_id AND s.status <> 'cancelled'
            AND s.starts_at < d.ends_at AND s.ends_at > d.starts_at
        ORDER BY s.status <> 'open', s.status <> 'planned', s.starts_at, s.id LIMIT 1
    ) AS held ON true
    WHERE d.worker_id = $6::uuid AND d.discarded_at IS NULL
        AND d.ends_at > $3::timestamptz AND (d.starts_at < {midnight("$2::date + 1")}
            OR d.starts_at <= $3::timestamptz + interval '1 hour')
"""
"""What has ended is over: a shift is stood or was not, and cannot be made up for.

One that begins just after midnight is told while there is time to go there.
"""

SHIFTS_TURN: Final = """
    SELECT d.starts_at - interval '1 hour' FROM duty_shifts AS d
    WHERE d.worker_id = $6::uuid AND d.discarded_at IS NULL AND d.starts_at > $3::timestamptz
"""
"""When the door of a place opens for the handover."""
