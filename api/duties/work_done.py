"""What everybody below a place had to do and did: the statements behind the workload."""

from typing import Final

from api.duties.people import PEOPLE_THEN
from api.duties.standing import BELOW
from api.foundation.local_days import day_of

# A team works for its village: who serves there from elsewhere is counted there.
_VILLAGE = """
    JOIN LATERAL (
        SELECT g.id AS village_id, g.name AS village_name, g.path AS village_path,
            g.kind AS village_kind
        FROM grids AS g
        WHERE (g.kind = 'village' OR g.path = {place})
            AND ({reach} = g.path OR starts_with({reach}, g.path || '.'))
        ORDER BY (g.kind = 'village') DESC, g.level DESC LIMIT 1
    ) AS village ON true
"""


def _within(instant: str) -> str:
    return f"{day_of(instant)} BETWEEN $1::date AND $2::date"


def _here(alias: str) -> str:
    return f"{alias}.reach >= $4::text COLLATE \"C\" AND {alias}.reach < $4::text || '/'"


def _deed(kind: str, table: str, by: str, at: str, *, only: str = "true") -> str:
    """What one person did by themselves and at once: it is known by having been done."""
    subject = "NULL::uuid" if table == "arrivals" else "quarantine_id"
    return f"""
        SELECT '{kind}', {subject}, deed.reach, deed.{at} + interval '1 second', deed.{at},
            deed.{by}, deed.{by}, NULL, 1.0
        FROM {table} AS deed
        WHERE {_here("deed")} AND deed.{by} IS NOT NULL AND {_within(f"deed.{at}")}
            AND {only}
    """


# A family that follows is decided on with the one whom it follows.
_NOT_FOLLOWING = "deed.follows_change_id IS NULL"


_DEEDS = " UNION ALL ".join(
    (
        _deed("site_check", "site_checks", "performed_by", "checked_at"),
        _deed("transfer", "transfers", "dispatched_by", "dispatched_at"),
        _deed("transfer", "transfers", "picked_up_by", "picked_up_at"),
        _deed("transfer", "transfers", "handed_over_by", "handed_over_at"),
        _deed("transfer", "transfers", "turned_back_by", "turned_back_at"),
        _deed("release", "releases", "approved_by", "approved_at"),
        _deed("decision", "stage_changes", "decided_by", "decided_at", only=_NOT_FOLLOWING),
        _deed("decision", "leaves", "decided_by", "decided_at"),
        _deed("arrival", "arrivals", "verified_by", "verified_at"),
    )
)

# What has not come due and is not done is nobody's work yet. Whoever worked here is known here by
# name, also from above or elsewhere, also who has left since: hence the beginning of time. Nobody
# had to answer an alert that closed itself before that was due.
WORKED: Final = f"""
    WITH {BELOW}, worked AS (
        SELECT c.kind, c.quarantine_id, c.reach, c.due_at, c.done_at, c.done_by, p.worker_id,
            p.name, 1.0 / count(*) OVER (PARTITION BY c.nth) AS share
        FROM (
            SELECT *, row_number() OVER () AS nth FROM care
            WHERE done_at IS NOT NULL OR due_at <= $3::timestamptz
        ) AS c
        CROSS JOIN LATERAL ({PEOPLE_THEN}) AS p
        UNION ALL
        SELECT 'alert', a.quarantine_id, t.reach, h.due_at, answer.at, answer.worker_id,
            t.worker_id, t.worker_name, 1.0 / count(*) OVER (PARTITION BY t.alert_id, t.hop)
        FROM alert_tellings AS t
        JOIN alerts AS a ON a.id = t.alert_id
        JOIN alert_hops AS h ON h.alert_id = t.alert_id AND h.number = t.hop
        LEFT JOIN LATERAL (
            SELECT act.at, act.worker_id FROM alert_actions AS act
            WHERE act.alert_id = t.alert_id AND act.verb = 'acknowledge' AND act.at >= t.told_at
            ORDER BY act.at LIMIT 1
        ) AS answer ON true
        WHERE {_here("t")} AND {_within("t.told_at")}
            AND (answer.at IS NOT NULL OR h.due_at <= $3::timestamptz AND NOT EXISTS (
                SELECT FROM alert_actions AS act
                WHERE act.alert_id = t.alert_id AND act.verb = 'verify' AND act.worker_id IS NULL
                    AND act.at BETWEEN t.told_at AND h.due_at
            ))
        UNION ALL
        SELECT 'directive', NULL, r.reach, d.deadline_at, answer.at, r.worker_id, r.worker_id,
            r.worker_name, 1.0
        FROM directive_receipts AS r
        JOIN directives AS d ON d.id = r.directive_id AND d.status <> 'withdrawn'
        CROSS JOIN LATERAL (
            SELECT CASE WHEN d.needs_report THEN r.reported_at ELSE r.acknowledged_at END AS at
        ) AS answer
        WHERE {_here("r")} AND {_within("d.deadline_at")}
            AND (answer.at IS NOT NULL OR d.deadline_at <= $3::timestamptz)
        UNION ALL
        {_DEEDS}
    ), summed AS (
        SELECT w.kind, w.quarantine_id, w.reach, w.worker_id, max(w.name) AS name,
            sum(w.share)::float8 AS share, count(*) AS expected,
            count(*) FILTER (WHERE w.done_at < w.due_at) AS done,
            count(*) FILTER (WHERE w.done_at >= w.due_at) AS late,
            count(*) FILTER (WHERE w.done_at IS NULL) AS missed,
            count(*) FILTER (WHERE w.done_by = w.worker_id) AS performed
        FROM worked AS w GROUP BY w.kind, w.quarantine_id, w.reach, w.worker_id
    ), known AS (
        SELECT worker_id, name FROM care_candidates(
            ARRAY(SELECT DISTINCT worker_id FROM summed WHERE name IS NULL), '-infinity'
        )
    )
    SELECT s.kind, s.quarantine_id, s.worker_id, coalesce(s.name, known.name, '') AS name, s.share,
        s.expected, s.done, s.late, s.missed, s.performed, village.village_id, village.village_name,
        village.village_kind
    FROM summed AS s
    LEFT JOIN known ON known.worker_id = s.worker_id AND s.name IS NULL
    {_VILLAGE.format(place="$4::text", reach="s.reach")}
    ORDER BY village.village_path, s.worker_id, s.kind, s.quarantine_id
"""

# Those who serve in the field; a leader's load is the work of leading.
POSTS: Final = f"""
    SELECT p.id AS post_id, p.worker_id, h.name, p.role, at_grid.id AS grid_id,
        at_grid.name AS grid_name, village.village_id, village.village_name, village.village_kind
    FROM posts AS p
    JOIN grids AS at_grid ON at_grid.id = p.grid_id
    CROSS JOIN LATERAL holders(ARRAY[p.id]) AS h
    {_VILLAGE.format(place="$1::text", reach="p.reach")}
    WHERE p.reach >= $1::text COLLATE "C" AND p.reach < $1::text || '/'
        AND p.began_at <= $2 AND (p.ended_at IS NULL OR p.ended_at > $2)
        AND p.role NOT IN ('administrator', 'grid_leader', 'household_representative')
    ORDER BY village.village_path, h.name, p.began_at, p.id
"""

# As `quarantines.team_queries.care_policy_today`; `$2` is today.
TEAMS: Final = """
    SELECT q.id AS quarantine_id, to_jsonb(team)::text AS policy,
        jsonb_agg(jsonb_build_object(
            'worker_id', s.worker_id, 'role', s.role, 'is_party_member', s.is_party_member
        ) ORDER BY s.began_at, s.id)::text AS seats
    FROM quarantines AS q
    JOIN care_seats AS s ON s.quarantine_id = q.id AND s.ended_at IS NULL
    JOIN care_team_policies AS team ON team.id = coalesce((
        SELECT asks.care_policy_id FROM quarantine_stages AS asks
        WHERE asks.quarantine_id = q.id AND asks.discarded_at IS NULL
            AND asks.care_policy_id IS NOT NULL AND asks.ends_on >= $2::date
        ORDER BY asks.starts_on LIMIT 1
    ), q.care_policy_id)
    WHERE q.reach >= $1::text COLLATE "C" AND q.reach < $1::text || '/'
        AND q.status IN ('planned', 'active') AND q.discarded_at IS NULL
    GROUP BY q.id, team.id
"""
