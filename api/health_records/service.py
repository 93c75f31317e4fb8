"""Recording tests, one or five hundred; a result that comes later, or was wrong, is told openly.

A positive one opens an alert in the transaction in which it is told. No result moves a stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor, audit, audit_by_grid
from api.foundation import clock
from api.foundation.batches import Unread, draft_each, readable
from api.foundation.problems import InvalidInput
from api.foundation.records import (
    BatchOutcome,
    Outcome,
    Proposal,
    create_all,
    create_once,
)
from api.health_records.control import Period, periods_of
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.health_records.people import People, people_of
from api.health_records.positives import sound
from api.health_records.schemas import DiagnosticTestRecord

_TOLD = {"kind", "outcome", "sampled_at", "samples", "laboratory"}
"""What is kept just as it was told."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What tests stand on: whom they are of and who took them, and when those were controlled."""

    people: People
    periods: Sequence[Period]

    def quarantine_on(self, resident: UUID, sampled_at: datetime) -> UUID | None:
        """The quarantine that ran on the local day of a sample; of two, the later one."""
        return quarantine_on(self.periods, resident, sampled_at)


def quarantine_on(periods: Sequence[Period], resident: UUID, sampled_at: datetime) -> UUID | None:
    """Of periods with the latest last, the resident's one that holds the day of a sample."""
    day = clock.local_day(sampled_at)
    held = [each for each in periods if each.resident_id == resident and day in each]
    return held[-1].quarantine_id if held else None


async def survey(session: AsyncSession, said: Sequence[DiagnosticTestRecord]) -> Ground:
    """Look up everything that these tests refer to, in a handful of statements."""
    people = await people_of(session, said)
    return Ground(people, await periods_of(session, people.residents.keys()))


def propose(
    ground: Ground, caller: Actor, said: DiagnosticTestRecord, *, within: str
) -> Proposal[DiagnosticTest]:
    """The test as it would be kept.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture` and `InvalidInput` with pointers below
    `within`.
    """
    told = ("sampled_at", "reported_at")
    row = DiagnosticTest(
        **ground.people.fields(caller, said, within=within, instants=told),
        **said.model_dump(include=_TOLD),
        reported_at=reported(said.outcome, said.sampled_at, said.reported_at, within=within),
        quarantine_id=ground.quarantine_on(said.resident_id, said.sampled_at),
    )
    return Proposal(said, row)


def reported(
    outcome: DiagnosticOutcome, sampled_at: datetime, told: datetime | None, *, within: str
) -> datetime | None:
    """When the result came: as told, else now; None while it is awaited.

    Raises `InvalidInput` for a time without a result and for one before the sample was taken.
    """
    pointer = f"{within}/reported_at"
    if outcome is DiagnosticOutcome.pending:
        if told is not None:
            raise InvalidInput("未出结果的，不填出结果的时间。", pointer=pointer)
        return None
    if told is not None and told < sampled_at:
        raise InvalidInput("出结果的时间不能早于采样时间。", pointer=pointer)
    return told or max(clock.now(), sampled_at)


async def record_test(
    session: AsyncSession, caller: Actor, said: DiagnosticTestRecord
) -> tuple[DiagnosticTest, bool]:
    """Keep one test; returns it and whether it is new. Raises `RecordDiffers`, and as `propose`."""
    proposal = propose(await survey(session, [said]), caller, said, within="/body")
    test, created = await create_once(session, proposal)
    if created:
        await sound(session, caller, [test])
        details = {"kind": test.kind, "outcome": test.outcome}
        subject, reach = test.id, test.reach
        audit(session, caller, "tests.record", subject=subject, reach=reach, details=details)
    return test, created


async def record_tests(
    session: AsyncSession, caller: Actor, said: Sequence[DiagnosticTestRecord | Unread]
) -> BatchOutcome:
    """Keep many tests, each with its own outcome, in the order sent."""
    ground = await survey(session, readable(said))
    proposals, outcomes = await draft_each(
        said, lambda each, within: propose(ground, caller, each, within=within)
    )
    kept = await create_all(session, list(proposals.values()))
    outcomes |= dict(zip(proposals, kept, strict=True))
    new = [proposals[at].row for at in proposals if outcomes[at].outcome is Outcome.created]
    await sound(session, caller, new)
    audit_by_grid(session, caller, "tests.record_all", new, counted="tests")
    return BatchOutcome.of([outcomes[at] for at in range(len(said))])
