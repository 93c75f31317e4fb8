"""Who is to be brought elsewhere and nobody has asked for it yet; who is in hospital meanwhile.

SQL for “my day”, as in `matters`: it speaks of `mine`, and of `$2` (today).
"""

from typing import Final

from api.foundation.local_days import midnight

# Whoever is on the road waits for nobody: there is one order at a time. One that is over says
# nothing of now, when the person is in a home again.
_NOBODY_ORDERED = """NOT EXISTS (
        SELECT FROM transfers AS t
        WHERE t.quarantine_id = q.id AND t.status NOT IN ('closed', 'cancelled')
    )"""

# A home that was looked at and is not fit: within eight hours (domain 3.8).
_UNFIT = f"""
    SELECT 'transfer', 'request', NULL, 'to_site', q.id, q.id, q.resident_id, q.household_id, NULL,
        unfit.checked_at, unfit.checked_at + interval '8 hours'
    FROM mine
    JOIN quarantines AS q ON q.id = mine.id AND q.place_kind <> 'site'
    JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        AND s.starts_on - 1 <= $2::date AND s.ends_on >= $2::date
        AND s.category = 'centralized_quarantine' AND s.category = s.fallback_category
    CROSS JOIN LATERAL (
        SELECT c.checked_at FROM site_checks AS c
        WHERE c.quarantine_id = q.id AND c.discarded_at IS NULL AND NOT c.fit
        ORDER BY c.checked_at DESC LIMIT 1
    ) AS unfit
    WHERE {_NOBODY_ORDERED} AND NOT EXISTS (
        SELECT FROM whereabouts AS w
        WHERE w.quarantine_id = q.id AND w.until_at IS NULL AND w.discarded_at IS NULL
            AND w.kind IN ('in_hospital', 'transferred')
    )
"""

# A plan goes on elsewhere: who is still at the site when their days at home begin, of whom nothing
# would be due there; who is still at home when those at a site begin. It is asked from the day
# before. Who was noted to be elsewhere already waits for nobody.
_NEXT_STAGE = f"""
    SELECT 'transfer', 'relocate', NULL, turn.kind, q.id, q.id, q.resident_id, q.household_id, NULL,
        {midnight("s.starts_on - 1")}, {midnight("s.starts_on + 1")}
    FROM mine
    JOIN quarantines AS q ON q.id = mine.id
    JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        AND s.starts_on - 1 <= $2::date AND s.ends_on >= $2::date
        AND s.category IS DISTINCT FROM s.fallback_category
    JOIN whereabouts AS w ON w.quarantine_id = q.id AND w.until_at IS NULL
        AND w.discarded_at IS NULL
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN s.category = 'centralized_quarantine' THEN
                CASE WHEN q.place_kind <> 'site' AND w.kind NOT IN ('in_hospital', 'transferred')
                    AND EXISTS (
                        SELECT FROM quarantine_plans AS p
                        WHERE p.quarantine_id = q.id AND p.ended_at IS NULL
                    ) THEN 'to_site' END
            WHEN q.place_kind = 'site' AND w.kind = 'transferred' AND EXISTS (
                SELECT FROM quarantine_stages AS before
                WHERE before.quarantine_id = q.id AND before.discarded_at IS NULL
                    AND before.ends_on < s.starts_on
                    AND before.category = 'centralized_quarantine'
            ) THEN 'to_home'
        END AS kind
    ) AS turn
    WHERE turn.kind IS NOT NULL AND {_NOBODY_ORDERED}
"""

RELOCATIONS: Final = f"{_UNFIT} UNION ALL {_NEXT_STAGE}"
"""The transfers that somebody in whose care a person is asks for."""

# Nothing is due of who is in hospital: unless somebody notes that they are back, nothing ever is.
# How long it takes nobody knows, so it is late on no day. Whom a transfer brought there, or who was
# only noted to be there, has no referral to end.
IN_HOSPITAL: Final = f"""
    SELECT 'referral', 'return', NULL, NULL, r.id, r.quarantine_id, r.resident_id, q.household_id,
        NULL, r.left_at, {midnight("$2::date + 1")}
    FROM mine
    JOIN hospital_referrals AS r ON r.quarantine_id = mine.id AND r.outcome IS NULL
        AND r.discarded_at IS NULL
    JOIN quarantines AS q ON q.id = r.quarantine_id
    UNION ALL
    SELECT 'referral', 'note', CASE q.place_kind WHEN 'site' THEN 'transferred' ELSE 'at_home' END,
        NULL, q.id, q.id, q.resident_id, q.household_id, NULL, w.since_at,
        {midnight("$2::date + 1")}
    FROM mine
    JOIN quarantines AS q ON q.id = mine.id
    JOIN whereabouts AS w ON w.quarantine_id = q.id AND w.until_at IS NULL
        AND w.discarded_at IS NULL AND w.kind = 'in_hospital'
    WHERE NOT EXISTS (
            SELECT FROM hospital_referrals AS r
            WHERE r.quarantine_id = q.id AND r.outcome IS NULL AND r.discarded_at IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM transfers AS t WHERE t.quarantine_id = q.id AND t.status = 'picked_up'
        )
"""
"""Whose return is noted by somebody in whose care they are."""
