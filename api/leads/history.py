"""What leads and batches said before they were corrected, moved or discarded, oldest first."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.records import Revision
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
            LeadRevision(lead=shown_lead(session, _as_it_was(each.body)), **_replaced(each))
            for each in await _revisions(session, "leads", lead.id)
        ]
    )


async def of_batch(session: AsyncSession, batch: LeadBatch) -> LeadBatchHistory:
    """The former versions of a batch."""
    return LeadBatchHistory(
        items=[
            LeadBatchRevision(
                batch=LeadBatchRead.model_validate(_SINCE | each.body), **_replaced(each)
            )
            for each in await _revisions(session, "lead_batches", batch.id)
        ]
    )


_SINCE: dict[str, Any] = {"discarded_by": None, "discard_reason": None}
"""What versions from before there was discarding do not have."""


async def _revisions(session: AsyncSession, kind: str, record: UUID) -> list[Revision]:
    statement = select(Revision).where(col(Revision.record_id) == record, Revision.kind == kind)
    return list(await session.scalars(statement.order_by(col(Revision.version))))


def _replaced(revision: Revision) -> dict[str, Any]:
    return revision.model_dump(include={"replaced_at", "replaced_by", "reason"})


def _as_it_was(body: dict[str, Any]) -> Lead:
    """A former version holds bytes as PostgreSQL writes them, in hexadecimal."""
    told = {
        name: bytes.fromhex(value.removeprefix("\\x")) if name.endswith(_BYTES) and value else value
        for name, value in body.items()
    }
    return Lead.model_validate(told)


_BYTES = ("_sealed", "_lookup")
