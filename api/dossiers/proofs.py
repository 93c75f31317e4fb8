"""Chapters of what somebody showed or gave a sample for, where they passed, who looked for them."""

from api.access.permissions import Permission
from api.checkpoints.models import GateDecision
from api.dossiers.chapter import Chapter, EntryKind
from api.foundation.local_days import midnight
from api.health_records.models import (
    CardColour,
    CodeState,
    DiagnosticOutcome,
    VaccinationOutcome,
    VaccineTechnology,
)
from api.leads.models import LeadOutcome
from api.protocols.models import DiagnosticKind
from api.sites.models import HomeReason

_TEST = Chapter(
    kind=EntryKind.test,
    permission=Permission.health_records_read,
    sql="""
        SELECT sampled_at, id, performed_by, jsonb_build_object(
            'pooled', CASE WHEN pooled THEN '混采' END, 'kind', kind, 'outcome', outcome,
            'by', laboratory)
        FROM diagnostic_tests WHERE resident_id = :resident AND discarded_at IS NULL
    """,
    sentence="{pooled}{kind}：{outcome} {by}",
    words={"kind": DiagnosticKind, "outcome": DiagnosticOutcome},
)

# As `health_records.retests.owed`; what came of it is the next test.
_RETEST = Chapter(
    kind=EntryKind.retest,
    permission=Permission.health_records_read,
    sql="""
        SELECT reported_at, id, NULL::uuid, jsonb_build_object('why', CASE kind
            WHEN 'antigen' THEN '抗原阳性，须做核酸确认' ELSE '所在混采管不是阴性，须单采复核' END)
        FROM diagnostic_tests
        WHERE resident_id = :resident AND discarded_at IS NULL AND reported_at IS NOT NULL
            AND (pooled AND outcome = 'inconclusive'
                OR kind = 'antigen' AND outcome = 'positive')
    """,
    sentence="{why}",
)

_CODE_STATE = Chapter(
    kind=EntryKind.code_state,
    permission=Permission.health_records_read,
    sql="""
        SELECT changed_at, id, performed_by,
            jsonb_build_object('state', state, 'system', nullif(system, 'manual'))
        FROM code_states WHERE resident_id = :resident AND discarded_at IS NULL
    """,
    sentence="健康码：{state} {system}",
    words={"state": CodeState},
)

_TRAVEL_CARD = Chapter(
    kind=EntryKind.travel_card,
    permission=Permission.health_records_read,
    sql="""
        SELECT seen_at, id, performed_by, jsonb_build_object(
            'colour', colour, 'days', window_days, 'cities', (
                SELECT string_agg(city ->> 'name', '、') FROM jsonb_array_elements(cities) AS city
            ))
        FROM travel_cards WHERE resident_id = :resident AND discarded_at IS NULL
    """,
    sentence="行程卡{colour}，前{days}天到过：{cities}",
    words={"colour": CardColour},
)

_VACCINATION = Chapter(
    kind=EntryKind.vaccination,
    permission=Permission.health_records_read,
    sql=f"""
        SELECT {midnight("given_on")}, id, performed_by, jsonb_build_object(
            'outcome', outcome, 'dose', '第' || dose_number || '剂', 'made', technology)
        FROM vaccinations WHERE resident_id = :resident AND discarded_at IS NULL
    """,
    sentence="{outcome}{dose}{made}",
    words={"outcome": VaccinationOutcome, "made": VaccineTechnology},
)

_HOME_SAMPLING = Chapter(
    kind=EntryKind.home_sampling,
    permission=Permission.sites_read,
    sql="""
        SELECT recorded_at, id, performed_by, jsonb_build_object(
            'day', wanted_on, 'why', reason, 'off', CASE WHEN cancelled_at IS NOT NULL
                THEN '，已取消' END)
        FROM home_samplings WHERE resident_id = :resident AND discarded_at IS NULL
    """,
    sentence="安排 {day} 上门采样（{why}）{off}",
    words={"why": HomeReason},
)

_LEAD = Chapter(
    kind=EntryKind.lead,
    permission=Permission.leads_read,
    sql="""
        SELECT event.at, l.id, event.by, jsonb_build_object('what', event.what,
            'issuer', b.issuer, 'outcome', event.found)
        FROM leads AS l
        LEFT JOIN lead_batches AS b ON b.id = l.batch_id
        CROSS JOIN LATERAL (VALUES
            (l.received_at, l.entered_by, '线索', NULL),
            (l.outcome_at, l.outcome_by, '线索，核查结论：', l.outcome)
        ) AS event (at, by, what, found)
        WHERE l.resident_id = :resident AND l.discarded_at IS NULL AND event.at IS NOT NULL
    """,
    sentence="{issuer}的{what}{outcome}",
    words={"outcome": LeadOutcome},
)

_PASSING = Chapter(
    kind=EntryKind.passing,
    permission=Permission.checkpoints_read,
    sql="""
        SELECT p.passed_at, p.id, p.performed_by,
            jsonb_build_object('place', c.name, 'decision', p.decision)
        FROM passes AS p LEFT JOIN checkpoints AS c ON c.id = p.checkpoint_id
        WHERE p.person_id = :resident AND p.discarded_at IS NULL
    """,
    sentence="经过{place}：{decision}",
    words={"decision": GateDecision},
)

PROOFS: tuple[Chapter, ...] = (
    _TEST,
    _RETEST,
    _CODE_STATE,
    _TRAVEL_CARD,
    _VACCINATION,
    _HOME_SAMPLING,
    _LEAD,
    _PASSING,
)
