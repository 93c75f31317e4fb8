"""Handing a lead to the township it belongs to, and the receipt that comes back (协查; M2.6).

A township that onegrid serves receives it by itself, sealed as it lies, in a transaction of both;
from any other the receipt is entered by hand.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import Connection, cell_schema
from api.foundation.jobs import enqueue, job
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, RecordDiffers, create_once, new_id
from api.leads.ground import DOUBLES_WITHIN
from api.leads.models import ANSWERED, Lead, LeadOutcome, LeadStatus
from api.leads.problems import LeadNotSo, TransferAnswered
from api.leads.queries import lead_locked
from api.leads.receiving import ONE_AT_A_TIME
from api.leads.reviewing import accepted
from api.leads.verification_models import LeadTransfer, LeadTransferStatus
from api.leads.verification_schemas import LeadReceipt, LeadTransferRecord

# A township's code may be told with the zeros of a village behind it, or as one of its villages.
_SERVED = text("""
    SELECT code FROM public.cells WHERE starts_with(:code, code) ORDER BY code DESC LIMIT 1
""")
_BEFORE = (LeadStatus.under_review, LeadStatus.reviewed)


async def transfer(
    session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadTransferRecord
) -> tuple[LeadTransfer, bool]:
    """Hand over a lead that was found not to belong here; returns it and whether it is new.

    Raises `NotFound`, `LeadNotSo`, `NeedsAnotherPerson`, `InvalidInput` for this township itself,
    `RecordDiffers`.
    """
    lead = await lead_locked(session, lead_id)
    served: str | None = await session.scalar(_SERVED, {"code": said.to_code})
    if served == caller.cell:
        raise InvalidInput("不能移交给本乡镇。", pointer="/body/to_code")
    row = LeadTransfer(
        **said.model_dump(),
        version=1,
        lead_id=lead.id,
        grid_id=lead.grid_id,
        reach=lead.reach,
        to_cell=served,
        requested_at=clock.now(),
        requested_by=caller.worker,
        status=LeadTransferStatus.requested,
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.lead_id != lead.id:
        raise RecordDiffers(fields=["lead_id"])
    if created:
        await _begin(session, caller, lead, kept)
    return kept, created


async def _begin(
    session: AsyncSession, caller: Claims, lead: Lead, transfer_: LeadTransfer
) -> None:
    if lead.outcome is not LeadOutcome.not_in_jurisdiction or lead.status not in _BEFORE:
        detail = "结论为不在本辖区、尚未反馈的线索才能移交。"
        raise LeadNotSo(detail, lead_status=lead.status)
    changes: dict[str, Any] = {"status": LeadStatus.transferred}
    if lead.status is LeadStatus.under_review:
        changes = accepted(caller, lead) | changes
    await correct(session, lead, changes, Correction(lead.version, by=caller.worker))
    audit(session, caller, "leads.transfer", subject=lead.id, reach=lead.reach)
    if transfer_.to_cell is not None:
        told = {"cell": caller.cell, "transfer": str(transfer_.id)}
        await enqueue(session, "leads.receive", told, cell=transfer_.to_cell)


async def transfer_of(session: AsyncSession, transfer_id: UUID) -> LeadTransfer:
    """One transfer; raises `NotFound`."""
    found = await session.get(LeadTransfer, transfer_id)
    if found is None:
        raise NotFound("没有找到该次移交，或不在您的网格范围内。")
    return found


async def answer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: LeadReceipt
) -> LeadTransfer:
    """Enter the receipt of a township that is not served here; declined, the lead is open again.

    The same receipt entered again is no news. Raises `NotFound`, `TransferAnswered`.
    """
    found = await transfer_of(session, transfer_id)
    await session.refresh(found, with_for_update=True)
    status = LeadTransferStatus.received if said.received else LeadTransferStatus.declined
    if (found.status, found.receipt) == (status, said.receipt):
        return found
    if found.status is not LeadTransferStatus.requested:
        raise TransferAnswered
    changes = {
        "status": status,
        "answered_at": clock.now(),
        "answered_by": caller.worker,
        "receipt": said.receipt,
    }
    await correct(session, found, changes, Correction(found.version, by=caller.worker))
    lead = await lead_locked(session, found.lead_id)
    if not said.received and lead.status is LeadStatus.transferred:
        again: dict[str, Any] = {"status": LeadStatus.contacting}
        again |= dict.fromkeys(("outcome", "outcome_at", "outcome_by", "outcome_note_sealed"))
        again |= dict.fromkeys(("reviewed_at", "reviewed_by", "feedback_id"))
        await correct(session, lead, again, Correction(lead.version, by=caller.worker))
    audit(session, caller, "lead_transfers.answer", subject=found.id, reach=found.reach)
    await tell(session, "duties.changed", subject=lead.id, reach=lead.reach, grid=lead.grid_id)
    return found


# Both townships share the keys, so what is sealed is handed over as it lies.
_RECEIVE_BATCH = """
    INSERT INTO lead_batches (
        id, version, reach, grid_id, issuer, batch_number, issued_at, deadline_at, instructions,
        from_cell, attempts_needed, attempts_hours_apart, visit_needed, recorded_at, received_at,
        performed_by, entered_by, source
    )
    SELECT $1, 1, g.path, g.id, c.name, '协查' || t.id, t.requested_at,
        greatest(l.deadline_at, t.requested_at + interval '24 hours'), t.reason, $2,
        b.attempts_needed, b.attempts_hours_apart, b.visit_needed, t.requested_at, $3,
        t.requested_by, t.requested_by, 'device'
    FROM {source}.lead_transfers AS t
    JOIN {source}.leads AS l ON l.id = t.lead_id
    JOIN {source}.lead_batches AS b ON b.id = l.batch_id
    JOIN public.cells AS c ON c.code = $2
    CROSS JOIN (SELECT id, path FROM grids WHERE level = 1 AND closed_at IS NULL) AS g
    WHERE t.id = $4 AND t.status = 'requested'
        AND NOT EXISTS (SELECT FROM leads WHERE transfer_id = t.id)
"""
# As `matching` finds whom a lead names for certain: by the document, or by a phone of one person
# whose name and document are not another's. Where a family's phone is, it is given, as of nobody.
# And as `is_double` finds that somebody was told of before.
_RECEIVE_LEAD = """
    INSERT INTO leads (
        id, version, batch_id, transfer_id, name, sex, birth_date, age, document_kind,
        document_sealed, document_lookup, phone_sealed, phone_lookup, address_sealed, lead_source,
        origin_place, origin_code, claimed, claim_sealed, claimed_on, arrived_on, transport,
        transport_number, deadline_at, recorded_at, received_at, performed_by, entered_by, source,
        reach, grid_id, household_id, resident_id, matched_how, matched_at, assigned_how,
        assigned_at, status, duplicate_of_id, duplicate
    )
    SELECT $1, 1, b.id, t.id, l.name, l.sex, l.birth_date, l.age, l.document_kind,
        l.document_sealed, l.document_lookup, l.phone_sealed, l.phone_lookup, l.address_sealed,
        l.lead_source, l.origin_place, l.origin_code, l.claimed, l.claim_sealed, l.claimed_on,
        l.arrived_on, l.transport, l.transport_number, b.deadline_at, t.requested_at, $2,
        t.requested_by, t.requested_by, 'device', coalesce(r.reach, b.reach),
        coalesce(r.grid_id, b.grid_id), r.household_id, r.id, r.how,
        CASE WHEN r.id IS NOT NULL THEN $2::timestamptz END,
        CASE WHEN r.how = 'document' THEN 'household' WHEN r.grid_id IS NOT NULL THEN 'phone' END,
        CASE WHEN r.grid_id IS NOT NULL THEN $2::timestamptz END,
        CASE WHEN r.grid_id IS NOT NULL THEN 'assigned' ELSE 'imported' END,
        d.id, CASE WHEN d.id IS NOT NULL THEN 'proposed' END
    FROM {source}.lead_transfers AS t
    JOIN {source}.leads AS l ON l.id = t.lead_id
    JOIN lead_batches AS b ON b.id = $3
    LEFT JOIN LATERAL (
        SELECT CASE WHEN m.how IS NOT NULL THEN r.id END AS id, m.how, r.household_id, r.grid_id,
            r.reach
        FROM residents AS r
        CROSS JOIN LATERAL (
            SELECT count(*) AS people, count(DISTINCT same.household_id) AS homes
            FROM residents AS same
            WHERE same.phone_lookup = l.phone_lookup AND same.discarded_at IS NULL
                AND same.left_on IS NULL
        ) AS p
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN r.document_lookup = l.document_lookup THEN 'document'
                WHEN p.people = 1 AND NOT {apart} THEN 'phone'
            END AS how
        ) AS m
        WHERE r.discarded_at IS NULL AND (
            r.document_lookup = l.document_lookup
            OR r.phone_lookup = l.phone_lookup AND r.left_on IS NULL AND p.homes = 1
        )
        ORDER BY (r.document_lookup = l.document_lookup) IS TRUE DESC, r.id LIMIT 1
    ) AS r ON true
    LEFT JOIN LATERAL (
        SELECT r.id FROM leads AS r
        WHERE r.discarded_at IS NULL AND (
            r.document_lookup = l.document_lookup
            OR r.phone_lookup = l.phone_lookup AND NOT {apart}
        ) AND (r.status <> ALL ($5) OR r.received_at >= $2::timestamptz - $6::interval)
        ORDER BY r.duplicate_of_id IS NOT NULL, r.received_at, r.id LIMIT 1
    ) AS d ON true
    WHERE t.id = $4
"""
_APART = """(
    r.name <> l.name OR r.document_kind = l.document_kind AND r.document_lookup <> l.document_lookup
) IS TRUE"""
_RECEIPT = """
    UPDATE {source}.lead_transfers SET status = 'received', answered_at = $2, receipt = $3,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = $1 AND status = 'requested'
    RETURNING {source}.tell('duties.changed', lead_id, grid_id, NULL, NULL, reach, $2)
"""
_TELL_HERE = """
    SELECT tell('duties.changed', batch_id, grid_id, NULL, NULL, CASE
        WHEN household_id IS NULL THEN reach ELSE regexp_replace(reach, '\\.[^.]*$', '')
    END, $2) FROM leads WHERE id = $1
"""


@job("leads.receive")
async def receive(connection: Connection, cell: str, payload: dict[str, Any]) -> None:
    """Take in a lead that another township handed over, and give it the receipt; once.

    Both townships hear of it: there is somebody new to verify, here a feedback that can be sent.
    """
    source, transfer_id, now = cell_schema(payload["cell"]), UUID(payload["transfer"]), clock.now()
    await connection.execute(str(ONE_AT_A_TIME))
    batch = new_id()
    made = await connection.execute(
        _RECEIVE_BATCH.format(source=source), batch, payload["cell"], now, transfer_id
    )
    if made != "INSERT 0 1":
        return
    lead = new_id()
    told = (lead, now, batch, transfer_id, [each.value for each in ANSWERED], DOUBLES_WITHIN)
    await connection.execute(_RECEIVE_LEAD.format(source=source, apart=_APART), *told)
    await connection.execute(_TELL_HERE, lead, now)
    receipt = f"{cell} {batch}"
    await connection.execute(_RECEIPT.format(source=source), transfer_id, now, receipt)
