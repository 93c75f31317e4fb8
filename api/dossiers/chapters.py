"""What a dossier tells of, chapter by chapter."""

from api.access.permissions import Permission, Role
from api.alerts.models import AlertStatus, Cause
from api.arrivals.models import ArrivalStatus
from api.care.errand_models import ErrandKind, ErrandStatus
from api.care.models import CallKind, CallOutcome
from api.dossiers.chapter import Chapter, EntryKind
from api.dossiers.homes import HOMES
from api.dossiers.proofs import PROOFS
from api.foundation.local_days import midnight
from api.movements.models import LeaveStatus, TransferKind, TransferStatus
from api.protocols.models import (
    ManagementCategory,
    RiskLevel,
    WhereaboutsKind,
)
from api.quarantines.models import EndReason, QuarantineReason
from api.quarantines.stage_models import ChangeKind, ChangeStatus
from api.readings.models import NotTakenReason

_OWN = "SELECT id FROM quarantines WHERE resident_id = :resident"

CHAPTERS: tuple[Chapter, ...] = (
    *HOMES,
    Chapter(
        kind=EntryKind.arrival,
        permission=Permission.arrivals_read,
        sql=f"""
            SELECT coalesce(arrived_at, {midnight("expected_on")}), id, performed_by,
                jsonb_build_object('status', status, 'risk', risk_level)
            FROM arrivals WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="返（来）乡：{status}，来自{risk}",
        words={"status": ArrivalStatus, "risk": RiskLevel},
    ),
    Chapter(
        kind=EntryKind.quarantine,
        permission=Permission.quarantines_read,
        sql=f"""
            SELECT event.at, q.id, q.performed_by, jsonb_build_object(
                'what', event.what, 'category', q.category, 'why', q.reason, 'end', event.ended)
            FROM quarantines AS q CROSS JOIN LATERAL (VALUES
                ({midnight("q.started_on")}, '开始', NULL),
                ({midnight("q.ended_on")}, '结束', q.end_reason)
            ) AS event (at, what, ended)
            WHERE q.resident_id = :resident AND q.discarded_at IS NULL AND event.at IS NOT NULL
        """,
        sentence="{what}{category}（{why}）{end}",
        words={"category": ManagementCategory, "why": QuarantineReason, "end": EndReason},
    ),
    Chapter(
        kind=EntryKind.stage,
        permission=Permission.quarantines_read,
        sql=f"""
            SELECT {midnight("starts_on")}, id, NULL::uuid,
                jsonb_build_object('category', category, 'from', starts_on, 'to', ends_on)
            FROM quarantine_stages WHERE quarantine_id IN ({_OWN}) AND discarded_at IS NULL
        """,
        sentence="{category}阶段：{from} 至 {to}",
        words={"category": ManagementCategory},
    ),
    Chapter(
        kind=EntryKind.change,
        permission=Permission.quarantines_read,
        sql=f"""
            SELECT coalesce(decided_at, recorded_at), id, performed_by,
                jsonb_build_object('kind', kind, 'status', status, 'basis', legal_basis)
            FROM stage_changes WHERE quarantine_id IN ({_OWN}) AND discarded_at IS NULL
        """,
        sentence="{kind}：{status}（依据：{basis}）",
        words={"kind": ChangeKind, "status": ChangeStatus},
    ),
    Chapter(
        kind=EntryKind.team,
        permission=Permission.quarantines_read,
        sql="""
            SELECT event.at, s.id, NULL::uuid,
                jsonb_build_object('name', s.worker_name, 'role', s.role, 'what', event.what)
            FROM care_seats AS s CROSS JOIN LATERAL (VALUES
                (s.began_at, '参加包保'), (s.ended_at, '不再包保')
            ) AS event (at, what)
            WHERE s.resident_id = :resident AND event.at IS NOT NULL
        """,
        sentence="{role}{name}{what}",
        words={"role": Role},
    ),
    Chapter(
        kind=EntryKind.whereabouts,
        permission=Permission.readings_read,
        sql=f"""
            SELECT since_at, id, performed_by, jsonb_build_object('kind', kind)
            FROM whereabouts WHERE quarantine_id IN ({_OWN}) AND discarded_at IS NULL
        """,
        sentence="去向：{kind}",
        words={"kind": WhereaboutsKind},
    ),
    Chapter(
        kind=EntryKind.site_check,
        permission=Permission.quarantines_read,
        sql=f"""
            SELECT checked_at, id, performed_by,
                jsonb_build_object('fit', CASE WHEN fit THEN '适合' ELSE '不适合' END)
            FROM site_checks WHERE quarantine_id IN ({_OWN}) AND discarded_at IS NULL
        """,
        sentence="住所核查：{fit}居家隔离",
    ),
    Chapter(
        kind=EntryKind.transfer,
        permission=Permission.quarantines_read,
        sql="""
            SELECT coalesce(picked_up_at, recorded_at), id, performed_by,
                jsonb_build_object('kind', kind, 'status',
                    CASE WHEN turned_back_at IS NULL THEN status ELSE 'turned_back' END)
            FROM transfers WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="{kind}：{status}",
        words={"kind": TransferKind, "status": TransferStatus},
    ),
    Chapter(
        kind=EntryKind.referral,
        permission=Permission.quarantines_read,
        sql="""
            SELECT left_at, id, performed_by, jsonb_build_object('hospital', hospital)
            FROM hospital_referrals WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="送往{hospital}",
    ),
    Chapter(
        kind=EntryKind.leave,
        permission=Permission.quarantines_read,
        sql="""
            SELECT from_at, id, performed_by, jsonb_build_object('status', status)
            FROM leaves WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="申请外出：{status}",
        words={"status": LeaveStatus},
    ),
    Chapter(
        kind=EntryKind.release,
        permission=Permission.quarantines_read,
        sql="""
            SELECT approved_at, id, approved_by, jsonb_build_object('number', number)
            FROM releases WHERE resident_id = :resident
        """,
        sentence="批准解除，告知书编号 {number}",
    ),
    Chapter(
        kind=EntryKind.reading,
        permission=Permission.readings_read,
        sql="""
            SELECT measured_at, id, performed_by, jsonb_build_object(
                'value', value_c, 'odd', CASE WHEN abnormal THEN '，异常' END)
            FROM readings WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="体温 {value}℃{odd}",
    ),
    Chapter(
        kind=EntryKind.not_taken,
        permission=Permission.readings_read,
        sql=f"""
            SELECT recorded_at, id, performed_by, jsonb_build_object('reason', reason, 'day', day)
            FROM readings_not_taken WHERE quarantine_id IN ({_OWN}) AND discarded_at IS NULL
        """,
        sentence="{day} 未测体温：{reason}",
        words={"reason": NotTakenReason},
    ),
    Chapter(
        kind=EntryKind.alert,
        permission=Permission.alerts_read,
        sql="""
            SELECT opened_at, id, opened_by,
                jsonb_build_object('cause', cause, 'status', status)
            FROM alerts WHERE resident_id = :resident
        """,
        sentence="异常：{cause}（{status}）",
        words={"cause": Cause, "status": AlertStatus},
    ),
    Chapter(
        kind=EntryKind.call,
        permission=Permission.care_read,
        sql="""
            SELECT called_at, id, performed_by,
                jsonb_build_object('kind', kind, 'outcome', outcome)
            FROM care_calls WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="{kind}：{outcome}",
        words={"kind": CallKind, "outcome": CallOutcome},
    ),
    Chapter(
        kind=EntryKind.errand,
        permission=Permission.care_read,
        sql="""
            SELECT coalesce(delivered_at, recorded_at), id, coalesce(delivered_by, performed_by),
                jsonb_build_object('kind', kind, 'status', status)
            FROM errands WHERE resident_id = :resident AND discarded_at IS NULL
        """,
        sentence="代办{kind}：{status}",
        words={"kind": ErrandKind, "status": ErrandStatus},
    ),
    *PROOFS,
)
