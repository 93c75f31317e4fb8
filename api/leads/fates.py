"""What became of the leads that a system delivered: its own alone, and what its issuer is told."""

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, case, func
from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.clients.caller import ClientClaims
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import NotFound
from api.leads.fate_schemas import DeliveredBatch, DeliveredLead, HandedOn, LeadFate, LeadFates
from api.leads.models import Lead, LeadBatch, LeadStatus
from api.leads.queries import batch_of
from api.leads.verification_models import LeadTransfer, LeadTransferStatus

_FATES = {
    LeadStatus.imported: LeadFate.received,
    LeadStatus.fed_back: LeadFate.fed_back,
    LeadStatus.transferred: LeadFate.handed_on,
}
"""Of each status; any other is being verified."""


def _fate() -> ColumnElement[str]:
    return case(
        (col(Lead.discarded_at).is_not(None), LeadFate.discarded.value),
        *((col(Lead.status) == status, fate.value) for status, fate in _FATES.items()),
        else_=LeadFate.verifying.value,
    )


async def delivered_batch(
    session: AsyncSession, client: ClientClaims, batch_id: UUID
) -> DeliveredBatch:
    """A batch that the client delivered, or into which it delivered; raises `NotFound`."""
    batch = await batch_of(session, batch_id)
    fate = _fate().label("fate")
    statement = pick(fate, func.count()).where(*_own(client, batch_id)).group_by("fate")
    counts: Counter[str] = Counter()
    for name, number in await session.execute(statement):
        counts[name] = number
    _refuse_others(client, batch, known=bool(counts))
    fates = LeadFates.model_validate({fate.value: counts[fate.value] for fate in LeadFate})
    told = set(DeliveredBatch.model_fields) - {"fates"}
    return DeliveredBatch(**batch.model_dump(include=told), fates=fates)


def _own(client: ClientClaims, batch_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(Lead.batch_id) == batch_id, col(Lead.entered_by) == client.client


def _refuse_others(client: ClientClaims, batch: LeadBatch, *, known: bool) -> None:
    if batch.entered_by != client.client and not known:
        raise NotFound("没有找到本系统报送的该批线索。")


async def delivered_leads(
    session: AsyncSession,
    client: ClientClaims,
    batch_id: UUID,
    fate: LeadFate | None,
    page: PageRequest,
) -> Page[DeliveredLead]:
    """The leads that the client delivered in a batch, those sent first first; raises `NotFound`."""
    batch = await batch_of(session, batch_id)
    own = select(Lead).where(*_own(client, batch_id))
    known = (await session.scalars(own.limit(1))).first() is not None
    _refuse_others(client, batch, known=known)
    statement = own if fate is None else own.where(_fate() == fate.value)
    keys = [col(Lead.received_at), col(Lead.id)]
    found = await read_page(session, statement, keys, page, present=as_it_is)
    handed_on = await _handed_on(session, {each.id for each in found.items})
    items = [_told(each, handed_on.get(each.id)) for each in found.items]
    return Page(items=items, next_cursor=found.next_cursor)


async def _handed_on(session: AsyncSession, leads: Collection[UUID]) -> dict[UUID, HandedOn]:
    """To whom each was handed last; what was declined is verified here again."""
    statement = (
        select(LeadTransfer)
        .where(
            col(LeadTransfer.lead_id).in_(leads),
            col(LeadTransfer.status) != LeadTransferStatus.declined,
        )
        .order_by(col(LeadTransfer.requested_at))
    )
    return {
        each.lead_id: HandedOn(
            **each.model_dump(include={"to_code", "to_name", "requested_at", "receipt"}),
            received_at=each.answered_at,
        )
        for each in await session.scalars(statement)
    }


def _told(lead: Lead, handed_on: HandedOn | None) -> DeliveredLead:
    """An outcome is told once it was fed back, or the lead handed on by it."""
    fate = _FATES.get(lead.status, LeadFate.verifying)
    fate = LeadFate.discarded if lead.discarded_at is not None else fate
    final = fate in (LeadFate.fed_back, LeadFate.handed_on)
    told = {"id", "row_number", "fed_back_at", "discarded_at", "discard_reason"}
    return DeliveredLead(
        **lead.model_dump(include=told),
        fate=fate,
        outcome=lead.outcome if final else None,
        handed_on=handed_on if fate is LeadFate.handed_on else None,
    )
