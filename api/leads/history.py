"""What leads and batches said before they were corrected, moved or discarded, oldest first."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.records import former
from api.leads.correction_schemas import (
    LeadBatchHistory,
    LeadBatchRevision,
    LeadHistory,
    LeadRevision,
)
from api.leads.masked import shown_lead
from api.leads.models import Lead, LeadBatch
from api.leads.shown import LeadBatchRead


async def of_lead(session: AsyncSession, lead: Lead) -> LeadHistory:
    """The former versions of a lead that lie in the caller's reach, masked as it is itself."""
    return LeadHistory(
        items=[
            LeadRevision(lead=shown_lead(session, Lead(**said)), **replaced)
            for said, replaced in await former(session, lead)
        ]
    )


async def of_batch(session: AsyncSession, batch: LeadBatch) -> LeadBatchHistory:
    """The former versions of a batch."""
    return LeadBatchHistory(
        items=[
            LeadBatchRevision(batch=LeadBatchRead.model_validate(said), **replaced)
            for said, replaced in await former(session, batch)
        ]
    )
