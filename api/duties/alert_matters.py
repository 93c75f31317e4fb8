"""Alerts in “my day”: whom they were told to, who goes on with them, who looks at them last (M3.5).

SQL as in `matters`: it speaks of `$3` (now), `$5` (the post) and `$6` (the worker).
"""

from typing import Final

from api.duties.nearest import nearest
from api.foundation.local_days import end_of_day

# An alert about nobody by name is about a home, or a grid.
_WHERE = """coalesce((SELECT h.name FROM households AS h WHERE h.id = a.household_id),
        (SELECT g.name FROM grids AS g WHERE g.id = a.grid_id))"""
_WHOSE = "a.cause, a.id, a.quarantine_id, a.resident_id, a.household_id, NULL"

# A seat at the person's side shows the alert, and does not answer it.
_IN_HAND = f"""
    SELECT 'alert', CASE a.status WHEN 'handling' THEN 'resolve' ELSE 'handle' END, {_WHERE},
        {_WHOSE}, coalesce(a.handled_at, a.acknowledged_at),
        greatest(a.answer_by, {end_of_day("coalesce(a.handled_at, a.acknowledged_at)")})
    FROM alerts AS a
    WHERE a.status IN ('acknowledged', 'handling')
        AND a.reach >= current_setting('onegrid.reach_from')
        AND a.reach < current_setting('onegrid.reach_to')
"""
_HOLDER = "CASE a.status WHEN 'handling' THEN a.handled_by ELSE a.acknowledged_by END"

ALERTS: Final = f"""
    SELECT 'alert', 'acknowledge', {_WHERE}, {_WHOSE}, t.told_at,
        coalesce(a.climbs_at, a.answer_by)
    FROM alerts AS a
    JOIN alert_tellings AS t ON t.alert_id = a.id AND t.worker_id = $6::uuid
        AND t.post_id = $5::uuid
    WHERE a.status = 'open' AND NOT EXISTS (
        SELECT FROM alert_tellings AS later WHERE later.alert_id = a.id AND later.hop > t.hop
    )
    UNION ALL {_IN_HAND} AND {_HOLDER} = $6::uuid
"""
"""Told at the step that was told last; whoever answered goes on with it."""

ALERT_DECISIONS: Final = f"""
    SELECT 'alert', 'verify', {_WHERE}, {_WHOSE}, a.resolved_at, {end_of_day("a.resolved_at")}
    FROM alerts AS a
    WHERE a.status = 'resolved'
        AND {nearest("a.reach", but=("a.resolved_by", "a.handled_by"))}
    UNION ALL {_IN_HAND} AND NOT serves_over({_HOLDER}, a.reach, $3::timestamptz)
        AND {nearest("a.reach")}
    UNION ALL
    SELECT 'alert', 'acknowledge', {_WHERE}, {_WHOSE}, a.opened_at, a.answer_by
    FROM alerts AS a
    WHERE a.status = 'open' AND a.climbs_at IS NULL AND NOT still_told(a.id, $3::timestamptz)
        AND {nearest("a.reach")}
"""
"""What whoever had it in hand no longer answers for, their post being another, is not left lying:
its clock stands still since they answered. Nor is what was told last to nobody who still serves."""
