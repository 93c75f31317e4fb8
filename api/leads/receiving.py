"""Leads as they come in: each matched, compared with earlier ones, and given to a grid."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague
from api.foundation import clock
from api.foundation.batches import Unread, draft_each, readable
from api.foundation.field_records import fill_in
from api.foundation.identity import document_lookup
from api.foundation.live import About, tell_all
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import (
    BatchOutcome,
    Outcome,
    Proposal,
    create_all,
    create_once,
    insert_new,
    new_id,
)
from api.leads.batches import Receiver
from api.leads.deadlines import refuse_odd_deadline
from api.leads.ground import Ground, survey
from api.leads.matching import Candidate, Identified, first_of, home_of, identify
from api.leads.models import (
    AssignedBy,
    Doubled,
    Lead,
    LeadAssignment,
    LeadBatch,
    LeadCandidate,
    LeadStatus,
    MatchedBy,
)
from api.leads.places import Spot
from api.leads.problems import LeadBatchClosed, LeadBatchDiscarded
from api.leads.queries import batch_locked
from api.leads.schemas import LeadRecord
from api.registry.drafts import sealed

AS_TOLD = {
    "row_number",
    "name",
    "sex",
    "birth_date",
    "age",
    "document_kind",
    "lead_source",
    "origin_place",
    "origin_code",
    "claimed",
    "claimed_on",
    "arrived_on",
    "transport",
    "transport_number",
}
"""What is kept just as it was told."""

NOBODY = "姓名、电话、证件号码至少填写一项。"

# Two who receive at once would not see each other's leads, and miss that they are the same.
ONE_AT_A_TIME = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' leads', 0))"
)


class Placed(NamedTuple):
    """Where a lead is given, and why; the household it concerns, where that is known."""

    grid: UUID
    reach: str
    how: AssignedBy
    household: UUID | None = None


class Draft(NamedTuple):
    """A lead about to be kept, with whom it may mean."""

    proposal: Proposal[Lead]
    candidates: Sequence[Candidate]

    @property
    def lead(self) -> Lead:
        return self.proposal.row


async def receive_lead(
    session: AsyncSession, caller: Receiver, batch_id: UUID, said: LeadRecord
) -> tuple[Lead, bool]:
    """Receive one lead of a batch (M2.6); returns it and whether it is new.

    Raises `NotFound`, `RecordDiffers`, and what `draft` raises.
    """
    batch = await batch_locked(session, batch_id)
    await session.execute(ONE_AT_A_TIME)
    drafted = draft(await survey(session, caller, batch, [said]), said, "/body")
    kept, created = await create_once(session, drafted.proposal)
    if created:
        await _follow(session, caller, batch, [drafted])
    return kept, created


async def receive_leads(
    session: AsyncSession, caller: Receiver, batch_id: UUID, items: Sequence[LeadRecord | Unread]
) -> BatchOutcome:
    """Receive many leads of a batch in a handful of statements; outcomes in the order given.

    Raises `NotFound` for the batch alone.
    """
    batch = await batch_locked(session, batch_id)
    await session.execute(ONE_AT_A_TIME)
    ground = await survey(session, caller, batch, readable(items))
    drafts, outcomes = await draft_each(items, partial(_taken, ground))
    kept = await create_all(session, [each.proposal for each in drafts.values()])
    outcomes |= dict(zip(drafts, kept, strict=True))
    new = [drafts[at] for at in drafts if outcomes[at].outcome is Outcome.created]
    await _follow(session, caller, batch, new)
    return BatchOutcome.of([outcomes[at] for at in range(len(items))])


def _taken(ground: Ground, said: LeadRecord, within: str) -> Draft:
    drafted = draft(ground, said, within)
    ground.take(drafted.lead)
    return drafted


def draft(ground: Ground, said: LeadRecord, within: str) -> Draft:
    """The lead as it would be kept, and whom it may mean.

    Raises, with pointers below `within`, `InvalidInput` for nobody told, `NotFound` for its grid,
    `NotAColleague`, `RecordedInTheFuture`, `LeadBatchClosed`, `LeadBatchDiscarded`.
    """
    if not (said.name or said.phone or said.document):
        raise InvalidInput(NOBODY, pointer=f"{within}/name")
    if said.performed_by in ground.strangers:
        raise NotAColleague(pointer=f"{within}/performed_by")
    if said.id not in ground.known:
        _refuse_done(ground.batch)
        if said.deadline_at is not None:
            issued_at, pointer = ground.batch.issued_at, f"{within}/deadline_at"
            refuse_odd_deadline(said.deadline_at, issued_at, pointer=pointer)
    lead = _as_told(ground, said, within)
    named = ground.places.named_in(said.address)
    found = identify(lead, ground.alike(lead), named=named, today=clock.today())
    earlier = first_of(lead, ground.before(lead))
    _match(lead, found)
    _double(lead, earlier)
    _place(lead, _told(ground, said, within) or whereto(ground, lead, found, earlier, named))
    return Draft(Proposal(said, lead), found.candidates)


def _refuse_done(batch: LeadBatch) -> None:
    """Raise `LeadBatchDiscarded`, `LeadBatchClosed` for a batch that takes no more leads."""
    if batch.discarded_at is not None:
        raise LeadBatchDiscarded
    if batch.closed_at is not None:
        raise LeadBatchClosed


def _as_told(ground: Ground, said: LeadRecord, within: str) -> Lead:
    keyring, batch = ground.keyring, ground.batch
    filled = fill_in(said, entered_by=ground.entered_by, source=batch.source, within=within)
    document, phone = said.document, said.phone
    return Lead(
        **filled,
        **said.model_dump(include=AS_TOLD),
        batch_id=batch.id,
        grid_id=batch.grid_id,
        reach=batch.reach,
        deadline_at=said.deadline_at or batch.deadline_at,
        document_sealed=sealed(keyring, document, context="leads.document"),
        document_lookup=document_lookup(keyring, said.document_kind, document),
        phone_sealed=sealed(keyring, phone, context="leads.phone"),
        phone_lookup=keyring.lookup(phone, context="phone") if phone else None,
        address_sealed=sealed(keyring, said.address, context="leads.address"),
        claim_sealed=sealed(keyring, said.claim, context="leads.claim"),
        status=LeadStatus.imported,
    )


def _match(lead: Lead, found: Identified) -> None:
    if found.resident is not None:
        lead.resident_id = found.resident.id
        lead.matched_how, lead.matched_at = found.how, lead.received_at


def _double(lead: Lead, earlier: Lead | None) -> None:
    if earlier is not None:
        lead.duplicate_of_id, lead.duplicate = earlier.id, Doubled.proposed


def _told(ground: Ground, said: LeadRecord, within: str) -> Placed | None:
    """The grid that the issuer names itself."""
    if said.grid_id is None or said.grid_id == ground.batch.grid_id:
        return None
    spot = ground.places.by_id.get(said.grid_id)
    if spot is None:
        detail = "没有找到该网格，或不在接收这批线索的网格之内。"
        raise NotFound(detail, pointer=f"{within}/grid_id")
    return Placed(spot.id, spot.path, AssignedBy.told)


def whereto(
    ground: Ground, lead: Lead, found: Identified, earlier: Lead | None, named: Spot | None
) -> Placed | None:
    """By the household of who it is, of who has the phone, by the earlier lead, by the address."""
    home = found.resident or home_of(ground.alike(lead).by_phone)
    if home is not None:
        proved = found.how is MatchedBy.document
        how = AssignedBy.household if proved else AssignedBy.phone
        return Placed(home.grid_id, home.reach, how, home.household_id)
    if earlier is not None and earlier.assigned_at is not None:
        spot = ground.places.by_id.get(earlier.grid_id)
        if spot is not None:
            return Placed(spot.id, spot.path, AssignedBy.earlier)
    return Placed(named.id, named.path, AssignedBy.address) if named else None


def _place(lead: Lead, placed: Placed | None) -> None:
    if placed is not None:
        lead.grid_id, lead.reach, lead.household_id = placed.grid, placed.reach, placed.household
        lead.assigned_how, lead.assigned_at = placed.how, lead.received_at
        lead.status = LeadStatus.assigned


async def _follow(
    session: AsyncSession, caller: Receiver, batch: LeadBatch, new: Sequence[Draft]
) -> None:
    """What is kept beside new leads, put on record once and told to every grid concerned."""
    if not new:
        return
    leads = [each.lead for each in new]
    await insert_new(session, [row for each in new for row in _candidates(each)])
    given = [_assignment(batch, lead) for lead in leads if lead.assigned_how is not None]
    await insert_new(session, given)
    details = {"leads": len(leads), "assigned": len(given)}
    audit(session, caller, "leads.receive", subject=batch.id, reach=batch.reach, details=details)
    grids = {lead.grid_id: path_of(lead) for lead in leads}
    about = [About(batch.id, path, grid=grid) for grid, path in grids.items()]
    await tell_all(session, "duties.changed", about)


def path_of(lead: Lead) -> str:
    """The path of the grid a lead is given to: its reach, or where that is a household's, above."""
    return lead.reach if lead.household_id is None else lead.reach.rpartition(".")[0]


def _candidates(drafted: Draft) -> list[LeadCandidate]:
    lead = drafted.lead
    return [
        LeadCandidate(
            id=new_id(),
            reach=lead.reach,
            lead_id=lead.id,
            candidate_id=each.resident.id,
            score=each.score,
            why=each.why,
        )
        for each in drafted.candidates
    ]


def _assignment(batch: LeadBatch, lead: Lead) -> LeadAssignment:
    assert lead.assigned_how is not None  # noqa: S101 - only what is assigned has one
    return LeadAssignment(
        id=new_id(),
        reach=lead.reach,
        lead_id=lead.id,
        from_grid_id=batch.grid_id,
        to_grid_id=lead.grid_id,
        how=lead.assigned_how,
        at=lead.received_at,
    )
