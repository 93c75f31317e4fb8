"""Sampling in “my day”: at the homes of those who cannot come, and sessions short of people (M4.1).

SQL as in `matters`: it speaks of `$2` (today), `$3` (now) and `$6` (the worker).
"""

from typing import Final

from api.duties.nearest import nearest
from api.foundation.local_days import ZONE, midnight
from api.quarantines.queries import not_taken_away
from api.sites.campaigns import SAMPLED
from api.sites.models import SiteRole

# Done is what a sample since shows (`sites.home`).
_TO_SAMPLE = f"""
    FROM home_samplings AS s
    JOIN residents AS r ON r.id = s.resident_id AND r.left_on IS NULL AND r.discarded_at IS NULL
    WHERE s.cancelled_at IS NULL AND s.discarded_at IS NULL AND NOT EXISTS (
        SELECT FROM diagnostic_tests AS t
        WHERE t.resident_id = s.resident_id AND {SAMPLED}
            AND t.sampled_at >= {midnight("s.wanted_on")}
    ) AND {not_taken_away("s.resident_id")}
"""
HOME_SAMPLINGS: Final = f"""
    SELECT 'home_sampling', 'sample', 'nucleic_acid', NULL, s.id, NULL::uuid, s.resident_id,
        r.household_id, NULL,
        {midnight("s.wanted_on")}, {midnight("s.wanted_on + 1")}
    {_TO_SAMPLE} AND s.assigned_to = $6::uuid AND s.wanted_on <= $2::date
"""
"""Whoever was given it goes there."""

# Whoever was given it no longer serves where the person lives by now: it is to be given anew.
_GIVEN_TO_NOBODY_HERE = """(s.assigned_to IS NULL OR NOT EXISTS (
        SELECT FROM posts_of(s.assigned_to, $3::timestamptz) AS p
        WHERE p.grid_id = s.grid_id
            OR p.grid_id IN (SELECT a.id FROM line_above(s.grid_id, $3::timestamptz) AS a)
    ))"""
_ROLES = ", ".join(f"('{role.value}', '{role.label}')" for role in SiteRole)
_LACKING = f"""
    SELECT sum(greatest(0, needed.number::integer - (
        SELECT count(DISTINCT d.worker_id) FROM duty_shifts AS d
        WHERE d.place_id = s.site_id AND d.discarded_at IS NULL AND d.starts_at < s.ends_at
            AND d.ends_at > s.starts_at AND d.role IN (role.code, role.label)
    ))) AS people
    FROM jsonb_each_text(s.staffing) AS needed (role, number)
    JOIN (VALUES {_ROLES}) AS role (code, label) ON role.code = needed.role
"""
SITE_DECISIONS: Final = f"""
    SELECT 'home_sampling', 'assign', NULL, NULL, s.id, NULL, s.resident_id,
        r.household_id, NULL,
        greatest(s.received_at, {midnight("s.wanted_on - 1")}), {midnight("s.wanted_on + 1")}
    {_TO_SAMPLE} AND s.wanted_on <= $2::date + 1 AND {nearest("s.reach")}
        AND {_GIVEN_TO_NOBODY_HERE}
    UNION ALL
    SELECT 'site_session', 'staff', NULL, concat(
            place.name, to_char(s.starts_at AT TIME ZONE {ZONE}, ' FMMM月FMDD日HH24:MI'),
            ' 场次还差', lacking.people, '人'
        ), s.site_id, NULL, NULL, NULL, NULL,
        greatest(s.planned_at, {midnight("$2::date")}), s.starts_at
    FROM site_sessions AS s
    JOIN sites AS place ON place.id = s.site_id
    CROSS JOIN LATERAL ({_LACKING}) AS lacking
    WHERE s.status IN ('planned', 'open') AND s.ends_at > $3::timestamptz
        AND s.starts_at >= {midnight("$2::date - 1")} AND s.starts_at < {midnight("$2::date + 2")}
        AND lacking.people > 0 AND {nearest("s.reach")}
"""
"""A session of today or tomorrow whose roster is short, as `sites.queries.staffing_of` counts."""

SESSIONS_TURN: Final = f"""
    SELECT s.ends_at FROM site_sessions AS s
    WHERE s.starts_at >= {midnight("$2::date - 1")} AND s.starts_at < {midnight("$2::date + 1")}
"""
"""When a session is over, nobody is missing there any more."""
