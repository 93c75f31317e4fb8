"""Recording visits, one or five hundred, and putting them right openly."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit, audit_by_grid
from api.access.colleagues import NotAColleague, strangers
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_discarded
from api.foundation import clock
from api.foundation.batches import Unread, draft_each, readable
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.fields import Place
from api.foundation.problems import NotFound
from api.foundation.records import BatchOutcome, Outcome, Proposal, Source, create_all, create_once
from api.foundation.sealed import Keyring
from api.registry.models import Household
from api.visits.alarms import open_for_corrected, open_for_visits, shown_by
from api.visits.models import Visit
from api.visits.problems import NotYourVisit, VisitDiscarded
from api.visits.queries import FINDINGS, visit_of
from api.visits.schemas import VisitCorrect, VisitDiscard, VisitRecord

_TOLD = {"mode", "outcome", "purposes", "needs", "visited_at"}
"""What is kept just as it was told."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What visits stand on: the households they name, and who of those named is no colleague."""

    keyring: Keyring
    households: Mapping[UUID, Household]
    strangers: Collection[UUID]


async def survey(session: AsyncSession, caller: Claims, said: Sequence[VisitRecord]) -> Ground:
    """Look up everything that these visits refer to, in at most two statements."""
    households = select(Household).where(
        col(Household.id).in_({each.household_id for each in said}),
        col(Household.discarded_at).is_(None),
    )
    others = {each.performed_by for each in said if each.performed_by} - {caller.worker}
    found = {household.id: household for household in await session.scalars(households)}
    return Ground(keyring_of(session), found, await strangers(session, others))


def propose(ground: Ground, caller: Claims, said: VisitRecord, *, within: str) -> Proposal[Visit]:
    """The visit as it would be kept.

    Raises `NotFound`, `NotAColleague` and `RecordedInTheFuture` with pointers below `within`.
    """
    household = ground.households.get(said.household_id)
    if household is None:
        pointer = f"{within}/household_id"
        raise NotFound("没有找到该户，或不在您的网格范围内。", pointer=pointer)
    if said.performed_by in ground.strangers:
        raise NotAColleague(pointer=f"{within}/performed_by")
    source = Source(said.mode.value)
    filled = fill_in(
        said, entered_by=caller.worker, source=source, instants=("visited_at",), within=within
    )
    row = Visit(
        **filled,
        **said.model_dump(include=_TOLD),
        **_place(said.place),
        findings_sealed=_sealed(ground.keyring, said.findings),
        household_id=household.id,
        grid_id=household.grid_id,
        reach=household.reach,
    )
    return Proposal(said, row)


async def record_visit(
    session: AsyncSession, caller: Claims, said: VisitRecord
) -> tuple[Visit, bool]:
    """Keep one visit (M2.2); returns it and whether it is new.

    Raises `RecordDiffers`, and what `propose` raises.
    """
    proposal = propose(await survey(session, caller, [said]), caller, said, within="/body")
    visit, created = await create_once(session, proposal)
    if created:
        details = {"mode": visit.mode, "outcome": visit.outcome}
        audit(
            session, caller, "visits.record", subject=visit.id, reach=visit.reach, details=details
        )
        await open_for_visits(session, [visit])
    return visit, created


async def record_visits(
    session: AsyncSession, caller: Claims, said: Sequence[VisitRecord | Unread]
) -> BatchOutcome:
    """Keep many visits, each with its own outcome, in the order sent."""
    ground = await survey(session, caller, readable(said))
    proposals, outcomes = await draft_each(
        said, lambda each, within: propose(ground, caller, each, within=within)
    )
    kept = await create_all(session, list(proposals.values()))
    outcomes |= dict(zip(proposals, kept, strict=True))
    created = (at for at in proposals if outcomes[at].outcome is Outcome.created)
    new = [proposals[at].row for at in created]
    audit_by_grid(session, caller, "visits.record_all", new, counted="visits")
    await open_for_visits(session, new)
    return BatchOutcome.of([outcomes[at] for at in range(len(said))])


async def correct_visit(
    session: AsyncSession, caller: Claims, visit_id: UUID, said: VisitCorrect, *, version: int
) -> Visit:
    """Put right what was told of a visit; its former version is kept.

    Raises `NotFound`, `NotYourVisit`, `VisitDiscarded`, `NotAColleague`, `RecordedInTheFuture`,
    `VersionMismatch`, and `InvalidInput` where nothing is to be put right.
    """
    visit = await _of_caller(session, caller, visit_id)
    changes, former = await _changes(session, said), shown_by(visit)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, visit, changes, correction)
    details = {"fields": sorted(changes)}
    audit(session, caller, "visits.correct", subject=visit.id, reach=visit.reach, details=details)
    if changes.keys() & _TELLING:
        await open_for_corrected(session, visit, former)
    return visit


_TELLING = {"outcome", "mode", "visited_at"}
"""What of a visit may show something abnormal."""


async def _changes(session: AsyncSession, said: VisitCorrect) -> dict[str, Any]:
    """The columns that a correction changes, with their new values."""
    told = told_in(said)
    if "visited_at" in told:
        refuse_the_future(said.visited_at, pointer="/body/visited_at")
    if "performed_by" in told and await strangers(session, {said.performed_by}):
        raise NotAColleague
    changes = said.model_dump(include=told - {"findings", "place"})
    if "findings" in told:
        changes["findings_sealed"] = _sealed(keyring_of(session), said.findings)
    if "place" in told:
        changes |= _place(said.place)
    return changes


async def discard_visit(
    session: AsyncSession, caller: Claims, visit_id: UUID, said: VisitDiscard, *, version: int
) -> Visit:
    """Let a visit count no more, as if it had not been; it stays readable.

    Raises `NotFound`, `NotYourVisit`, `VisitDiscarded`, `VersionMismatch`.
    """
    visit = await _of_caller(session, caller, visit_id)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, visit, {"discarded_at": clock.now()}, correction)
    audit(session, caller, "visits.discard", subject=visit.id, reach=visit.reach)
    await evidence_discarded(session, EvidenceKind.visit, visit.id)
    return visit


async def _of_caller(session: AsyncSession, caller: Claims, visit_id: UUID) -> Visit:
    """The visit, if it is the caller's to correct: its maker's, its enterer's, a registrar's."""
    visit = await visit_of(session, visit_id)
    registrar = Permission.households_register in permitted(caller.role, caller.level)
    if not registrar and caller.worker not in (visit.performed_by, visit.entered_by):
        raise NotYourVisit
    if visit.discarded_at is not None:
        raise VisitDiscarded
    return visit


def _sealed(keyring: Keyring, findings: str | None) -> bytes | None:
    return keyring.seal(findings, context=FINDINGS) if findings is not None else None


def _place(place: Place | None) -> dict[str, Any]:
    return place.model_dump() if place is not None else dict.fromkeys(Place.model_fields)
