"""What is wrong at a site: the urgent is told upward at once, and somebody sees to it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alert
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import Proposal, RecordDiffers, Source, create_once
from api.registry.masked import opened
from api.sites.models import SiteTrouble
from api.sites.problems import TroubleSolved
from api.sites.queries import session_of
from api.sites.tally_schemas import TroubleRead, TroubleRecord, TroubleSolution

_NOTE, _SOLUTION = "site_problems.note", "site_problems.solution"


async def tell_trouble(
    session: AsyncSession, caller: Claims, session_id: UUID, said: TroubleRecord
) -> tuple[SiteTrouble, bool]:
    """Keep a trouble; an urgent one opens an alert in the same transaction.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `RecordDiffers`.
    """
    held = await session_of(session, session_id)
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    fields = fill_in(said, entered_by=caller.worker, source=Source.device, instants=("found_at",))
    row = SiteTrouble(
        **fields,
        site_session_id=held.id,
        site_id=held.site_id,
        grid_id=held.grid_id,
        reach=held.reach,
        kind=said.kind,
        urgent=said.urgent,
        found_at=said.found_at or fields["recorded_at"],
        note_sealed=keyring_of(session).seal(said.note, context=_NOTE),
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.site_session_id != session_id:
        raise RecordDiffers(fields=["site_session_id"])
    if created:
        await _sound(session, caller, kept)
        details = {"kind": kept.kind, "urgent": kept.urgent}
        audit(
            session,
            caller,
            "site_problems.tell",
            subject=kept.id,
            reach=kept.reach,
            details=details,
        )
    return kept, created


async def _sound(session: AsyncSession, caller: Claims, trouble: SiteTrouble) -> None:
    if not trouble.urgent:
        return
    finding = Finding(
        cause=Cause.site_problem,
        subject_id=trouble.site_id,
        grid_id=trouble.grid_id,
        reach=trouble.reach,
        kind=EvidenceKind.site_problem,
        record_id=trouble.id,
        found_at=trouble.found_at,
        told_by=caller.worker,
    )
    await open_alert(session, finding)


async def trouble_of(session: AsyncSession, trouble_id: UUID) -> SiteTrouble:
    """One trouble; raises `NotFound`."""
    trouble = await session.get(SiteTrouble, trouble_id)
    if trouble is None:
        raise NotFound("没有找到该问题，或不在您的网格和值班范围内。")
    return trouble


async def solve(
    session: AsyncSession, caller: Claims, trouble_id: UUID, said: TroubleSolution, *, version: int
) -> SiteTrouble:
    """Say how it was solved; said again by the same in the same words, it stays as it is.

    Raises `NotFound`, `TroubleSolved`, `VersionMismatch`.
    """
    trouble = await trouble_of(session, trouble_id)
    await session.refresh(trouble, with_for_update=True)
    if trouble.solved_at is not None:
        told = opened(keyring_of(session), trouble.solution_sealed, context=_SOLUTION)
        if (told, trouble.solved_by) == (said.solution, caller.worker):
            return trouble
        raise TroubleSolved
    changes = {
        "solved_at": clock.now(),
        "solved_by": caller.worker,
        "solution_sealed": keyring_of(session).seal(said.solution, context=_SOLUTION),
    }
    await correct(session, trouble, changes, Correction(version, by=caller.worker))
    audit(session, caller, "site_problems.solve", subject=trouble.id, reach=trouble.reach)
    return trouble


async def troubles(
    session: AsyncSession, page: PageRequest, *, session_id: UUID | None, unsolved: bool
) -> Page[TroubleRead]:
    """Troubles, found latest first."""
    statement = select(SiteTrouble).where(col(SiteTrouble.discarded_at).is_(None))
    if session_id is not None:
        statement = statement.where(col(SiteTrouble.site_session_id) == session_id)
    if unsolved:
        statement = statement.where(col(SiteTrouble.solved_at).is_(None))
    keys = [col(SiteTrouble.found_at), col(SiteTrouble.id)]

    def shown(trouble: SiteTrouble) -> TroubleRead:
        return present(session, trouble)

    return await read_page(session, statement, keys, page, present=shown, descending=True)


def present(session: AsyncSession, trouble: SiteTrouble) -> TroubleRead:
    """A trouble as the wire shows it."""
    keys = keyring_of(session)
    told = trouble.model_dump(exclude={"note_sealed", "solution_sealed"})
    return TroubleRead(
        **{name: told[name] for name in TroubleRead.model_fields if name in told},
        note=keys.open(trouble.note_sealed, context=_NOTE),
        solution=opened(keys, trouble.solution_sealed, context=_SOLUTION),
    )
