"""What is due to a quarantined or released person on each local day: derived, never kept beside it.

One statement's worth of SQL, which every view of duties reads: “my day”, the board, what was
missed, the workload. It speaks of `$1` to `$2` (local days, both included) and `$3` (now).
A duty is done at the instant it was done; before `due_at` in time, later late, without one missed.
"""

from typing import Final

from api.duties.cohabitants import MOVED, cohabitants
from api.duties.doors import KNOCKS
from api.foundation.local_days import ZONE, day_of, midnight

_SERVED_THEN: Final = "q.id IN (SELECT quarantine_id FROM served)"
_THEN: Final = "duty.day >= $1::date"


# A day belongs to one stage or none; a day outside all of them asks for nothing, and nothing is
# asked of somebody after their last day (`readings.missing` has the same rule).
_SERVED = f"""
    days AS (
        SELECT day::date AS day, {midnight("day")} AS begins,
            {midnight("day + interval '1 day'")} AS ends
        FROM generate_series($1::date, $2::date, interval '1 day') AS day
    ), served AS MATERIALIZED (
        SELECT q.id AS quarantine_id, q.resident_id, q.household_id, q.grid_id, q.reach, q.ended_on,
            q.received_at, s.monitoring_policy_id, s.care_policy_id, s.visits_per_day,
            s.calls_per_day, days.day, days.begins, days.ends
        FROM quarantines AS q
        JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
            AND s.starts_on <= $2::date AND s.ends_on >= $1::date
        JOIN days ON days.day BETWEEN s.starts_on AND s.ends_on
        WHERE {{quarantines}}
            AND q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
            AND (q.ended_on IS NULL OR q.ended_on >= days.day)
    )
"""

_WHOSE = """
    d.quarantine_id, d.resident_id, d.household_id, d.grid_id, d.reach, d.received_at,
    d.care_policy_id, d.day
"""

_PLACE = """
    LEFT JOIN LATERAL (
        SELECT w.kind FROM whereabouts AS w
        WHERE w.quarantine_id = d.quarantine_id AND w.discarded_at IS NULL AND w.since_at <= {at}
            AND (w.until_at IS NULL OR w.until_at > {at})
        ORDER BY w.since_at DESC LIMIT 1
    ) AS place ON true
"""
_NOT_OVER = "(d.ended_on IS NULL OR d.ended_on > d.day)"

# As in `readings.missing`: exempt is who was, when the window closed or now, where the policy says.
_READINGS = f"""
    SELECT {_WHOSE}, 'reading' AS kind, due.name AS key, due.label, due.opens_at,
        due.closes_at AS due_at, r.measured_at AS done_at, r.performed_by AS done_by
    FROM served AS d
    JOIN (
        SELECT p.id AS policy_id, days.day, w.name, w.label, p.exempt_whereabouts,
            (days.day + w.opens) AT TIME ZONE {ZONE} AS opens_at,
            (days.day + w.closes) AT TIME ZONE {ZONE} AS closes_at
        FROM days, monitoring_policies AS p,
            jsonb_to_recordset(p.windows) AS w (name text, label text, opens time, closes time)
    ) AS due ON due.policy_id = d.monitoring_policy_id AND due.day = d.day
    LEFT JOIN LATERAL (
        SELECT r.measured_at, r.performed_by FROM readings AS r
        WHERE r.quarantine_id = d.quarantine_id AND r.day = d.day AND r."window" = due.name
            AND r.discarded_at IS NULL
        LIMIT 1
    ) AS r ON true
    {_PLACE.format(at="least(due.closes_at, $3::timestamptz)")}
    WHERE r.measured_at IS NOT NULL OR place.kind <> ALL (due.exempt_whereabouts)
        OR place.kind IS NULL AND {_NOT_OVER}
"""

_VISITS = f"""
    SELECT {_WHOSE}, 'visit' AS kind, nth::text AS key, NULL AS label, d.begins AS opens_at,
        d.ends AS due_at, made.at[nth] AS done_at, made.by[nth] AS done_by
    FROM served AS d
    LEFT JOIN knocked AS made USING (quarantine_id, day)
    {_PLACE.format(at="least(d.ends, $3::timestamptz)")}
    CROSS JOIN LATERAL generate_series(1, d.visits_per_day) AS nth
    WHERE made.at[nth] IS NOT NULL
        OR {_NOT_OVER} AND coalesce(place.kind NOT IN ('in_hospital', 'transferred'), true)
"""

_CALLS = f"""
    SELECT {_WHOSE}, 'call' AS kind, nth::text AS key, NULL AS label, d.begins AS opens_at,
        d.ends AS due_at, made.at[nth] AS done_at, made.by[nth] AS done_by
    FROM served AS d
    LEFT JOIN LATERAL (
        SELECT array_agg(c.called_at ORDER BY c.called_at, c.id) AS at,
            array_agg(c.performed_by ORDER BY c.called_at, c.id) AS by
        FROM care_calls AS c
        WHERE c.quarantine_id = d.quarantine_id AND c.day = d.day AND c.kind = 'daily'
            AND c.outcome <> 'unreachable' AND c.discarded_at IS NULL
    ) AS made ON d.calls_per_day > 0
    CROSS JOIN LATERAL generate_series(1, d.calls_per_day) AS nth
    WHERE made.at[nth] IS NOT NULL OR {_NOT_OVER}
"""

# Every test of a quarantine is looked at, since a late sample makes up for the one that waits
# longest: `answering` is `health_records.answers.answered` where the records lie.
_TESTED = f"""
    planned AS (
        SELECT q.id AS quarantine_id, q.resident_id, q.household_id, q.grid_id, q.reach, q.ended_on,
            q.received_at, s.care_policy_id, s.cohabitant_rule, t.kind AS test,
            coalesce(t.samples, 1) AS samples, on_day.day, {midnight("on_day.day")} AS opens_at,
            {midnight("on_day.day")} + make_interval(hours => s.test_window_hours) AS due_at
        FROM quarantines AS q
        JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        CROSS JOIN LATERAL jsonb_to_recordset(s.tests)
            AS t (day integer, kind text, samples integer)
        CROSS JOIN LATERAL (SELECT s.counted_from + (t.day - s.day_index_base) AS day) AS on_day
        WHERE {{tested}} AND on_day.day BETWEEN s.starts_on AND s.ends_on
            AND q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
            AND (q.ended_on IS NULL OR q.ended_on >= on_day.day)
    ), to_test AS (
        SELECT * FROM planned
        UNION ALL
        {{cohabitants}}
    ), sampled AS (
        SELECT asked.quarantine_id, asked.resident_id, asked.test, taken.at, taken.by,
            answering(asked.opens, asked.closes, asked.wanted, taken.at, taken.amounts) AS answer
        FROM (
            SELECT quarantine_id, resident_id, test, min(opens_at) AS since,
                array_agg(opens_at ORDER BY due_at, opens_at) AS opens,
                array_agg(due_at ORDER BY due_at, opens_at) AS closes,
                array_agg(samples ORDER BY due_at, opens_at) AS wanted
            FROM to_test GROUP BY quarantine_id, resident_id, test
        ) AS asked
        CROSS JOIN LATERAL (
            SELECT array_agg(s.sampled_at ORDER BY s.sampled_at, s.id) AS at,
                array_agg(s.performed_by ORDER BY s.sampled_at, s.id) AS by,
                array_agg(s.samples ORDER BY s.sampled_at, s.id) AS amounts
            FROM diagnostic_tests AS s
            WHERE s.resident_id = asked.resident_id AND s.kind = asked.test
                AND s.outcome NOT IN ('invalid', 'inconclusive')
                AND s.sampled_at >= asked.since AND s.discarded_at IS NULL
        ) AS taken
    )
"""
_TESTS = f"""
    SELECT {_WHOSE}, 'test' AS kind, d.test AS key, NULL AS label, d.opens_at, d.due_at,
        s.at[s.answer[d.nth]] AS done_at, s.by[s.answer[d.nth]] AS done_by
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY quarantine_id, resident_id, test ORDER BY due_at, opens_at
        ) AS nth
        FROM to_test
    ) AS d
    JOIN sampled AS s USING (quarantine_id, resident_id, test)
    WHERE d.day <= $2::date AND (s.answer[d.nth] IS NOT NULL OR {_NOT_OVER})
"""

# A release told some days later asks for no call on a day that was over by then; nobody asks
# after the dead (`care.follow_ups` has the same rules).
_FOLLOW_UPS = f"""
    SELECT d.quarantine_id, d.resident_id, home.household_id, d.grid_id, d.reach,
        d.approved_at AS received_at, NULL::uuid AS care_policy_id, due.day, 'follow_up' AS kind,
        due.nth::text AS key, NULL AS label, {midnight("due.day")} AS opens_at,
        {midnight("due.day + 1")} AS due_at, made.called_at AS done_at,
        made.performed_by AS done_by
    FROM releases AS d
    JOIN quarantines AS home ON home.id = d.quarantine_id
    CROSS JOIN LATERAL (
        SELECT DISTINCT after AS nth, d.released_on + after AS day
        FROM unnest(d.follow_up_days) AS after
    ) AS due
    LEFT JOIN LATERAL (
        SELECT c.called_at, c.performed_by, c.day FROM care_calls AS c
        WHERE c.quarantine_id = d.quarantine_id AND c.kind = 'follow_up' AND c.day >= due.day
            AND c.outcome <> 'unreachable' AND c.discarded_at IS NULL
        ORDER BY c.day, c.called_at, c.id LIMIT 1
    ) AS made ON true
    WHERE {{releases}} AND d.released_on >= $1::date - 366 AND due.day <= $2::date
        AND (due.day >= {day_of("d.approved_at")} OR made.day = due.day)
        AND (made.day IS NOT NULL OR NOT EXISTS (
            SELECT FROM residents AS r
            WHERE r.id = d.resident_id AND r.died AND r.left_on <= due.day
        ))
"""

# An errand is due once, on the day on which it is wanted; one called off was nobody's to bring.
_ERRANDS = f"""
    SELECT q.quarantine_id, q.resident_id, q.household_id, q.grid_id, q.reach, q.received_at,
        q.care_policy_id, q.day, 'errand' AS kind, q.id::text AS key, NULL AS label,
        q.recorded_at AS opens_at, q.due_at, q.delivered_at AS done_at, q.delivered_by AS done_by
    FROM (
        SELECT e.*, q.care_policy_id,
            {day_of("e.due_at - interval '1 second'")} AS day
        FROM errands AS e JOIN quarantines AS q ON q.id = e.quarantine_id
        WHERE {{quarantines}} AND q.end_reason IS DISTINCT FROM 'entered_in_error'
    ) AS q
    WHERE q.status NOT IN ('cancelled', 'none_needed') AND q.discarded_at IS NULL
        AND q.day BETWEEN $1::date AND $2::date
"""


def care(
    quarantines: str,
    releases: str,
    *,
    tested: str = _SERVED_THEN,
    still: bool = False,
    kept: str = _THEN,
    errands: bool = True,
) -> str:
    """CTEs, the last of them `care`: every duty towards a person from day `$1` to day `$2`.

    `quarantines` and `releases` are conditions on `q` and `d` that say whose they are; `tested` is
    the former for tests, with `still` of none but those who live with them by now, and `kept` says
    which duties are left in. What had run out before anybody had told the service of the quarantine
    was nobody's to do. Without `errands` where whoever asks finds them elsewhere.
    """
    brought = f"UNION ALL {_ERRANDS.format(quarantines=quarantines)}" if errands else ""
    samples = _TESTED.format(tested=tested, cohabitants=cohabitants(still=still))
    return f"""{_SERVED.format(quarantines=quarantines)},
    {KNOCKS}, {MOVED}, {samples}, care AS (
        SELECT * FROM (
            {_READINGS} UNION ALL {_VISITS} UNION ALL {_CALLS} UNION ALL {_TESTS}
            UNION ALL {_FOLLOW_UPS.format(releases=releases)} {brought}
        ) AS duty
        WHERE {kept} AND (duty.done_at IS NOT NULL OR duty.due_at > duty.received_at)
    )
"""
