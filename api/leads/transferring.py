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
from api.foundation.database import cell_schema, driver_of
from api.foundation.jobs import enqueue, job
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, RecordDiffers, create_once, new_id
from api.leads.models import Lead, LeadBatch, LeadOutcome, LeadStatus
from api.leads.problems import LeadNotSo, TransferAnswered
from api.leads.queries import batch_of, lead_locked
from api.leads.receiving import ONE_AT_A_TIME, path_of
from api.leads.rematching import assignment, keep_beside, match_anew
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
    at = transfer_.requested_at
    changes: dict[str, Any] = {"status": LeadStatus.transferred, "handed_on_at": at}
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
        again |= dict.fromkeys(("reviewed_at", "reviewed_by", "feedback_id", "handed_on_at"))
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
_RECEIVE_LEAD = """
    INSERT INTO leads (
        id, version, batch_id, transfer_id, name, sex, birth_date, age, document_kind,
        document_sealed, document_lookup, phone_sealed, phone_lookup, address_sealed, lead_source,
        origin_place, origin_code, claimed, claim_sealed, claimed_on, arrived_on, transport,
        transport_number, deadline_at, recorded_at, received_at, performed_by, entered_by, source,
        reach, grid_id, status
    )
    SELECT $1, 1, b.id, t.id, l.name, l.sex, l.birth_date, l.age, l.document_kind,
        l.document_sealed, l.document_lookup, l.phone_sealed, l.phone_lookup, l.address_sealed,
        l.lead_source, l.origin_place, l.origin_code, l.claimed, l.claim_sealed, l.claimed_on,
        l.arrived_on, l.transport, l.transport_number, b.deadline_at, t.requested_at, $2,
        t.requested_by, t.requested_by, 'device', b.reach, b.grid_id, 'imported'
    FROM {source}.lead_transfers AS t
    JOIN {source}.leads AS l ON l.id = t.lead_id
    JOIN lead_batches AS b ON b.id = $3
    WHERE t.id = $4
"""
_RECEIPT = """
    UPDATE {source}.lead_transfers SET status = 'received', answered_at = $2, receipt = $3,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = $1 AND status = 'requested'
    RETURNING {source}.tell('duties.changed', lead_id, grid_id, NULL, NULL, reach, $2)
"""


@job("leads.receive")
async def receive(session: AsyncSession, cell: str, payload: dict[str, Any]) -> None:
    """Take in a lead that another township handed over, and give it the receipt; once.

    Both townships hear of it: there is somebody new to verify, here a feedback that can be sent.
    """
    source, transfer_id, now = cell_schema(payload["cell"]), UUID(payload["transfer"]), clock.now()
    await session.execute(ONE_AT_A_TIME)
    connection, batch, lead = await driver_of(session), new_id(), new_id()
    made = await connection.execute(
        _RECEIVE_BATCH.format(source=source), batch, payload["cell"], now, transfer_id
    )
    if made != "INSERT 0 1":
        return
    told = (lead, now, batch, transfer_id)
    await connection.execute(_RECEIVE_LEAD.format(source=source), *told)
    await _match(session, await batch_of(session, batch), await lead_locked(session, lead))
    receipt = f"{cell} {batch}"
    await connection.execute(_RECEIPT.format(source=source), transfer_id, now, receipt)


async def _match(session: AsyncSession, batch: LeadBatch, lead: Lead) -> None:
    """Match a received lead as one that was entered here, and tell who is to verify it."""
    former = Lead(**lead.model_dump())
    anew = await match_anew(session, batch, former, former)
    for name, value in anew.changes.items():
        setattr(lead, name, value)
    await session.flush()
    await keep_beside(session, lead, anew, assignment(former, anew, None))
    reach = path_of(lead)
    await tell(session, "duties.changed", subject=batch.id, reach=reach, grid=lead.grid_id)
