"""Batches and leads as the wire shows them: names plain, what identifies a person masked."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import mask_address, mask_document, mask_phone
from api.foundation.pages import Page
from api.foundation.sealed import Keyring
from api.leads.models import Lead, LeadBatch, LeadCandidate
from api.leads.queries import assignments_of, batch_of, candidates_of, is_late
from api.leads.shown import (
    LeadAssignmentRead,
    LeadBatchRead,
    LeadCandidateRead,
    LeadFile,
    LeadRead,
    LeadRevealed,
    LeadRevealField,
)
from api.registry.masked import age_on, masked_resident, opened
from api.registry.models import Resident

_OWN = set(LeadRead.model_fields) & set(Lead.model_fields)


def shown_batch(batch: LeadBatch) -> LeadBatchRead:
    return LeadBatchRead.model_validate(batch)


def shown_batches(page: Page[LeadBatch]) -> Page[LeadBatchRead]:
    items = [shown_batch(batch) for batch in page.items]
    return Page[LeadBatchRead](items=items, next_cursor=page.next_cursor)


def shown_lead(session: AsyncSession, lead: Lead) -> LeadRead:
    """A lead with document, phone and address masked; the age as told, or by the birth date."""
    plain = plain_of(keyring_of(session), lead)
    kind, born = lead.document_kind, lead.birth_date
    told = {
        **lead.model_dump(include=_OWN),
        "age": age_on(clock.today(), born) if born is not None else lead.age,
        "document": mask_document(kind, plain.document) if kind and plain.document else None,
        "phone": mask_phone(plain.phone) if plain.phone else None,
        "address": mask_address(plain.address) if plain.address else None,
        "has_claim": lead.claim_sealed is not None,
        "late": is_late(lead),
    }
    return LeadRead.model_validate(told)


def shown_leads(session: AsyncSession, page: Page[Lead]) -> Page[LeadRead]:
    items = [shown_lead(session, lead) for lead in page.items]
    return Page[LeadRead](items=items, next_cursor=page.next_cursor)


async def shown_file(session: AsyncSession, lead: Lead) -> LeadFile:
    """A lead with its batch, whom it may mean, and where it was given."""
    given = await assignments_of(session, lead.id)
    return LeadFile(
        lead=shown_lead(session, lead),
        batch=shown_batch(await batch_of(session, lead.batch_id)),
        candidates=await shown_candidates(session, lead),
        assignments=[LeadAssignmentRead.model_validate(each) for each in given],
    )


async def shown_candidates(session: AsyncSession, lead: Lead) -> list[LeadCandidateRead]:
    """Whom a lead may mean; of somebody out of reach only that there is somebody."""
    found = await candidates_of(session, lead.id)
    return [_candidate(session, candidate, resident) for candidate, resident in found]


def _candidate(
    session: AsyncSession, candidate: LeadCandidate, resident: Resident | None
) -> LeadCandidateRead:
    who = masked_resident(session, resident) if resident is not None else None
    known = {name: getattr(who, name, None) for name in _OF_RESIDENT}
    decided = candidate.model_dump(
        include={"score", "why", "confirmed", "decided_at", "decided_by"}
    )
    return LeadCandidateRead.model_validate(
        {**known, **decided, "resident_id": candidate.candidate_id}
    )


_OF_RESIDENT = ("household_id", "grid_id", "name", "sex", "age", "phone")


def plain_of(keyring: Keyring, lead: Lead) -> LeadRevealed:
    """The plain values of a lead; whoever shows this has a reason on record."""
    return LeadRevealed(
        id=lead.id,
        document_kind=lead.document_kind,
        birth_date=lead.birth_date,
        document=opened(keyring, lead.document_sealed, context="leads.document"),
        phone=opened(keyring, lead.phone_sealed, context="leads.phone"),
        address=opened(keyring, lead.address_sealed, context="leads.address"),
        claim=opened(keyring, lead.claim_sealed, context="leads.claim"),
    )


def only(plain: LeadRevealed, asked: Sequence[LeadRevealField]) -> LeadRevealed:
    """What was asked for, and nothing else."""
    hidden = {field.value: None for field in LeadRevealField if field not in asked}
    return plain.model_copy(update=hidden)
