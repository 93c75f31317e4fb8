"""What waits for a post besides the timetable of care: whom it is asked of, and until when.

SQL for “my day”. It speaks of `here` and `mine` (`duties.asked`), `$2` (today), `$3` (now), and of
the caller: `$5` the post, `$6` the worker, `$7` the role, `$8` the level, `$11` whether they may
decide; `$9` and `$10` say which roles, down to which level, may decide. What has no deadline of its
own is to be done by the end of the local day on which it arose, a door that found nobody by the end
of the next.
"""

from typing import Final

from api.arrivals.queries import UNCONCERNED
from api.duties.alert_matters import ALERT_DECISIONS, ALERTS
from api.duties.asked import HERE
from api.duties.errand_matters import ERRAND_DECISIONS, ERRANDS, ERRANDS_TURN
from api.duties.lead_matters import CONTACTS, LEAD_DECISIONS
from api.duties.moving_matters import IN_HOSPITAL, RELOCATIONS
from api.duties.nearest import POSTS_TURN, nearest
from api.duties.retests import RETESTS, RETESTS_TURN
from api.duties.shifts import SHIFTS, SHIFTS_TURN
from api.duties.site_matters import HOME_SAMPLINGS, SESSIONS_TURN, SITE_DECISIONS
from api.foundation.local_days import day_of, end_of_day, midnight
from api.quarantines.queries import NOT_IN_HOSPITAL
from api.quarantines.site_checks import MOVED_IN

_NOBODY = "NULL::uuid AS resident_id, NULL::uuid AS household_id"

_TRANSFER = """
    SELECT 'transfer', CASE t.status WHEN 'requested' THEN 'approve' WHEN 'approved' THEN 'dispatch'
            WHEN 'dispatched' THEN 'pick_up' WHEN 'picked_up' THEN 'hand_over' ELSE 'close' END,
        NULL, t.kind, t.id, t.quarantine_id, t.resident_id, q.household_id, NULL, coalesce(
            t.handed_over_at, t.turned_back_at, t.picked_up_at, t.dispatched_at, t.approved_at,
            t.recorded_at
        ), t.due_at
    FROM transfers AS t JOIN quarantines AS q ON q.id = t.quarantine_id
    WHERE t.discarded_at IS NULL
"""

# A home, and any other that they move to, is looked at until it is found fit for the stage, or
# another measure has taken its place (`quarantines.site_checks.still_to_check`).
_AT_THE_DOOR = f"""
    SELECT 'site_check' AS kind, 'check' AS act, NULL AS key, NULL AS label, q.id AS subject_id,
        q.id AS quarantine_id, q.resident_id, q.household_id, NULL AS name,
        {midnight("s.starts_on - 1")} AS opens_at, {midnight("s.starts_on + 1")} AS due_at
    FROM mine
    JOIN quarantines AS q ON q.id = mine.id
    JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        AND s.starts_on - 1 <= $2::date AND s.ends_on >= $2::date
        AND jsonb_array_length(s.site_checklist) > 0
        AND s.category IS DISTINCT FROM s.fallback_category
    WHERE (
        SELECT c.fit FROM site_checks AS c
        WHERE c.quarantine_id = q.id AND c.discarded_at IS NULL AND c.items ?& ARRAY(
            SELECT item ->> 'code' FROM jsonb_array_elements(s.site_checklist) AS item
        ) AND c.checked_at >= coalesce({MOVED_IN}, '-infinity')
        ORDER BY c.checked_at DESC, c.id DESC LIMIT 1
    ) IS NOT TRUE
    UNION ALL
    {_TRANSFER} AND t.quarantine_id IN (SELECT id FROM mine)
        AND t.status IN ('dispatched', 'picked_up', 'handed_over', 'turned_back')
    UNION ALL
    {RELOCATIONS}
    UNION ALL
    {IN_HOSPITAL}
    UNION ALL
    SELECT 'leave', CASE l.status WHEN 'out' THEN 'back' ELSE 'out' END, NULL, NULL, l.id,
        l.quarantine_id, l.resident_id, q.household_id, NULL,
        CASE l.status WHEN 'out' THEN l.left_at ELSE l.from_at END, l.until_at
    FROM mine
    JOIN leaves AS l ON l.quarantine_id = mine.id AND l.discarded_at IS NULL
        AND (l.status = 'out' OR l.status = 'approved'
            AND $2::date BETWEEN {day_of("l.from_at")} AND {day_of("l.until_at")})
    JOIN quarantines AS q ON q.id = l.quarantine_id
"""

# Whom the care line did not reach is visited, until somebody has been there or reaches them (M3.6,
# `care.queries.visits_owed`).
_UNREACHED = f"""
    SELECT 'visit', 'see', 'unreachable', NULL, q.id, q.id, q.resident_id, q.household_id, NULL,
        last.called_at, {end_of_day("last.called_at")}
    FROM mine
    JOIN quarantines AS q ON q.id = mine.id
    CROSS JOIN LATERAL (
        SELECT c.called_at, c.outcome FROM care_calls AS c
        WHERE c.quarantine_id = q.id AND c.discarded_at IS NULL
        ORDER BY c.day DESC, c.called_at DESC, c.id DESC LIMIT 1
    ) AS last
    WHERE last.outcome = 'unreachable'
        AND {NOT_IN_HOSPITAL}
        AND NOT EXISTS (SELECT FROM knocks(ARRAY[q.household_id], last.called_at, 'infinity'))
        AND NOT EXISTS (
            SELECT FROM readings AS r
            WHERE r.quarantine_id = q.id AND r.day >= {day_of("last.called_at")}
                AND r.measured_at > last.called_at AND r.source = 'visit' AND r.discarded_at IS NULL
        )
"""

# A household whose latest visit met nobody or was refused is to be seen again (M2.2,
# `visits.follow_ups`): by the grid's worker, and by whoever is bonded to it.
_UNMET = f"""
    SELECT 'visit', 'see', last.outcome, NULL, h.id, NULL, NULL, h.id, NULL, last.visited_at,
        {end_of_day("last.visited_at", later=1)}
    FROM (
        SELECT household_id AS id FROM visits
        WHERE {HERE} AND discarded_at IS NULL AND outcome IN ('absent', 'refused')
        UNION
        SELECT household_id FROM bonds WHERE worker_id = $6::uuid AND ended_at IS NULL
    ) AS home
    JOIN households AS h ON h.id = home.id AND h.discarded_at IS NULL AND h.left_on IS NULL
    CROSS JOIN LATERAL (
        SELECT v.outcome, v.visited_at FROM visits AS v
        WHERE v.household_id = h.id AND v.discarded_at IS NULL
        ORDER BY v.visited_at DESC, v.id DESC LIMIT 1
    ) AS last
    WHERE last.outcome IN ('absent', 'refused')
"""

_DIRECTIVES = f"""
    SELECT 'directive', CASE WHEN r.acknowledged_at IS NULL THEN 'acknowledge' ELSE 'report' END,
        NULL, d.title, d.id, NULL, {_NOBODY}, NULL, r.told_at, d.deadline_at
    FROM directive_receipts AS r
    JOIN directives AS d ON d.id = r.directive_id AND d.status = 'issued'
    WHERE r.post_id = $5::uuid
        AND (r.acknowledged_at IS NULL OR d.needs_report AND r.reported_at IS NULL)
"""

_ARRIVALS = f"""
    SELECT 'arrival', CASE a.status WHEN 'expected' THEN 'arrive' ELSE 'verify' END, NULL, NULL,
        a.id, NULL, a.resident_id, a.household_id, a.name,
        CASE a.status WHEN 'expected' THEN {midnight("a.expected_on")} ELSE a.arrived_at END,
        CASE a.status WHEN 'expected' THEN {midnight("a.expected_on + 1")}
            ELSE {end_of_day("a.arrived_at")} END
    FROM arrivals AS a
    WHERE a.{HERE} AND a.discarded_at IS NULL
        AND (a.status = 'arrived' OR a.status = 'expected' AND a.expected_on <= $2::date)
"""

MATTERS: Final = f"""
    {_AT_THE_DOOR} UNION ALL {_UNREACHED} UNION ALL {_UNMET} UNION ALL {ALERTS}
    UNION ALL {_DIRECTIVES} UNION ALL {_ARRIVALS} UNION ALL {CONTACTS}
    UNION ALL {RETESTS} UNION ALL {HOME_SAMPLINGS} UNION ALL {SHIFTS}
    UNION ALL {ERRANDS}
"""
"""What anybody who serves may find waiting."""


def turns(*, nearer: bool) -> str:
    """The next instant at which the clock, by `$3` alone, makes another duty of what is there."""
    decided = (
        f"UNION ALL {POSTS_TURN} UNION ALL {SESSIONS_TURN} UNION ALL {ERRANDS_TURN}"
        if nearer
        else ""
    )
    return f"""(
        SELECT min(turn.at) FROM (
            SELECT unnest(ARRAY[w.since_at, w.until_at]) FROM whereabouts AS w
            WHERE w.quarantine_id IN (SELECT id FROM mine)
            UNION ALL {RETESTS_TURN} UNION ALL {SHIFTS_TURN} {decided}
        ) AS turn (at) WHERE turn.at > $3::timestamptz
    )"""


# By the plan's rule, else by permission (domain 3.7).
_MAY_RELEASE = """CASE WHEN rule.approver IS NULL THEN n.may_decide
    ELSE rule.approver -> 'roles' ? n.role AND n.level <= (rule.approver ->> 'max_level')::integer
    END"""
RELEASES: Final = f"""
    SELECT 'release', 'decide', NULL, NULL, q.id, q.id, q.resident_id, q.household_id, NULL,
        {midnight("q.planned_end_on")}, {midnight("q.planned_end_on + 1")}
    FROM quarantines AS q
    LEFT JOIN quarantine_plans AS p ON p.quarantine_id = q.id AND p.ended_at IS NULL
    LEFT JOIN LATERAL (
        SELECT plan -> 'release' -> 'approver' AS approver
        FROM protocols AS law, jsonb_array_elements(law.document -> 'plans') AS plan
        WHERE law.id = p.protocol_id AND plan ->> 'code' = p.plan_code
    ) AS rule ON true
    WHERE q.status IN ('planned', 'active') AND q.discarded_at IS NULL
        AND q.planned_end_on <= $2::date
        AND CASE WHEN rule.approver IS NULL THEN $11
            ELSE rule.approver -> 'roles' ? $7 AND $8 <= (rule.approver ->> 'max_level')::integer
            END
        AND {nearest("q.reach", who=_MAY_RELEASE)}
"""
"""What waits for those who may release, by a plan or (`$11`) by permission."""

_UNCONCERNED = ", ".join(f"'{each.value}'" for each in UNCONCERNED)
# Of whoever's quarantine is over while they ride, or the vehicle is not disinfected yet, nobody on
# its team is left to see to it.
DECISIONS: Final = f"""
    SELECT 'change', 'decide', NULL, c.kind, c.id, c.quarantine_id, q.resident_id, q.household_id,
        NULL, c.recorded_at, {end_of_day("c.recorded_at")}
    FROM stage_changes AS c JOIN quarantines AS q ON q.id = c.quarantine_id
    WHERE c.status = 'requested' AND c.discarded_at IS NULL
        AND {nearest("c.reach", but=("c.entered_by", "c.performed_by"))}
    UNION ALL
    SELECT 'leave', 'decide', NULL, NULL, l.id, l.quarantine_id, l.resident_id, q.household_id,
        NULL, l.recorded_at, least(l.from_at, {end_of_day("l.recorded_at")})
    FROM leaves AS l JOIN quarantines AS q ON q.id = l.quarantine_id
    WHERE l.status = 'requested' AND l.discarded_at IS NULL AND q.status IN ('planned', 'active')
        AND {nearest("l.reach", but=("l.entered_by", "l.performed_by"))}
    UNION ALL
    {_TRANSFER}
        AND CASE WHEN q.status IN ('planned', 'active') THEN t.status IN ('requested', 'approved')
            ELSE t.status IN ('picked_up', 'handed_over', 'turned_back') END
        AND {nearest("t.reach")}
    UNION ALL
    SELECT 'arrival', CASE WHEN EXISTS (
            SELECT FROM quarantines AS q
            WHERE q.resident_id = a.resident_id AND q.status IN ('planned', 'active')
        ) THEN 'reconsider' ELSE 'confirm' END, NULL, a.risk_level, a.id, NULL, a.resident_id,
        a.household_id, a.name, a.classified_at, {end_of_day("a.classified_at")}
    FROM arrivals AS a
    WHERE a.status = 'verified' AND a.discarded_at IS NULL
        AND a.decided_classification_id IS DISTINCT FROM a.classification_id
        AND (a.risk_level <> 'none' OR a.decided_classification_id IS NOT NULL
            OR a.exposure_class NOT IN ({_UNCONCERNED}))
        AND {nearest("a.reach")}
    UNION ALL {ALERT_DECISIONS}
    UNION ALL {LEAD_DECISIONS}
    UNION ALL {SITE_DECISIONS}
    UNION ALL {ERRAND_DECISIONS}
"""
"""What waits for those who decide; of arrivals as `arrivals.queries.awaiting`."""
