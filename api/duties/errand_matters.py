"""Errands in “my day”: whose they are until they are brought, and confirmed (M3.7).

SQL as in `matters`: it speaks of `$3` (now) and `$6` (the worker). Whoever accepted an errand has
it, wherever they serve and also after the quarantine is over; one that nobody accepted is due of
all who care for the person. A late one, or one left over from a quarantine, is shown to the nearest
who leads, who gives it to somebody or calls it off.
"""

from typing import Final

from api.duties.nearest import nearest
from api.foundation.local_days import end_of_day, midnight

_WHOSE = "NULL, e.kind, e.id, e.quarantine_id, e.resident_id, e.household_id, NULL"
_OPEN = "e.status IN ('requested', 'accepted', 'purchasing') AND e.discarded_at IS NULL"

ERRANDS: Final = f"""
    SELECT 'errand', 'deliver', {_WHOSE}, e.accepted_at, e.due_at
    FROM errands AS e
    WHERE e.accepted_by = $6::uuid AND e.status IN ('accepted', 'purchasing')
        AND e.discarded_at IS NULL
    UNION ALL
    SELECT 'errand', CASE e.status WHEN 'requested' THEN 'accept' ELSE 'confirm' END, {_WHOSE},
        coalesce(e.delivered_at, e.recorded_at),
        CASE e.status WHEN 'requested' THEN e.due_at
            ELSE {end_of_day("e.delivered_at", later=1)} END
    FROM mine
    JOIN errands AS e ON e.quarantine_id = mine.id AND e.status IN ('requested', 'delivered')
        AND e.discarded_at IS NULL
"""
"""Whoever calls the next day asks whether it came as wanted."""

ERRAND_DECISIONS: Final = f"""
    SELECT 'errand', 'assign', {_WHOSE}, e.since_at, {end_of_day("e.since_at")}
    FROM (
        SELECT e.*, least(e.due_at, {midnight("q.ended_on")}) AS since_at
        FROM errands AS e JOIN quarantines AS q ON q.id = e.quarantine_id
        WHERE {_OPEN}
    ) AS e
    WHERE e.since_at <= $3::timestamptz AND {nearest("e.reach")}
"""

ERRANDS_TURN: Final = f"""
    SELECT least(e.due_at, {midnight("q.ended_on")})
    FROM errands AS e JOIN quarantines AS q ON q.id = e.quarantine_id
    WHERE {_OPEN}
"""
"""When an errand is late, or its quarantine is over."""
