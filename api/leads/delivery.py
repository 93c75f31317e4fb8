"""A batch as another system delivers it: entered once, its leads received each for itself."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.clients.caller import ClientClaims
from api.foundation.batches import read_or_unread
from api.foundation.records import Source
from api.leads.batches import record_batch
from api.leads.masked import shown_batch
from api.leads.receiving import receive_leads
from api.leads.schemas import LeadDelivery
from api.leads.shown import LeadsReceived


async def deliver(
    session: AsyncSession, client: ClientClaims, sent: LeadDelivery
) -> tuple[LeadsReceived, bool]:
    """Take a delivery; returns what became of it and whether the batch is new.

    Raises what `record_batch` raises, with pointers below `/body/batch`.
    """
    batch, created = await record_batch(
        session, client, sent.batch, source=Source.device, within="/body/batch"
    )
    await session.flush()
    leads = await receive_leads(session, client, batch.id, read_or_unread(sent.items))
    return LeadsReceived(batch=shown_batch(batch), leads=leads), created
