"""Tubes with the samples of several people: kept with the tests of all in it, or not at all."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.foundation import clock
from api.foundation.field_records import fill_in
from api.foundation.problems import InvalidInput, OutsideYourGrid, RecordDiffers
from api.foundation.records import (
    Proposal,
    Source,
    create_once,
    insert_new,
)
from api.grids.models import Grid
from api.health_records.birth_and_doses import refuse_before_birth
from api.health_records.control import Period, periods_of
from api.health_records.models import DiagnosticOutcome, DiagnosticTest, SampleTube
from api.health_records.people import People, people_named
from api.health_records.service import quarantine_on
from api.health_records.sessions import Held, refuse_elsewhere, sessions_named
from api.health_records.tube_schemas import SampleTubeRecord
from api.registry.models import Resident

_TOLD = {"code", "pool_size", "swab_type", "kind", "site_session_id", "laboratory", "sampled_at"}
"""What is kept of a tube just as it was told."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What tubes stand on: who is in them, when those were controlled, where and when all of it."""

    people: People
    periods: Mapping[UUID, Sequence[Period]]
    grids: Mapping[str, UUID]
    sessions: Mapping[UUID, Held]

    def held_by(self, members: Iterable[Resident]) -> tuple[UUID, str]:
        """The lowest grid that holds all of them, and its path: who sees it sees all in it."""
        path = _lowest({member.reach for member in members})
        if path not in self.grids:  # somebody in it is seen by a duty only
            raise OutsideYourGrid
        return self.grids[path], path


@dataclass(frozen=True, slots=True)
class TubeDraft:
    """A tube about to be kept, with the tests of all in it."""

    said: SampleTubeRecord
    tube: SampleTube
    tests: Sequence[DiagnosticTest]


async def survey(
    session: AsyncSession,
    said: Sequence[SampleTubeRecord],
    grids: Mapping[str, UUID] | None = None,
) -> Ground:
    """Look up everything that these tubes refer to, in a handful of statements.

    Grids by their paths are told where the caller does not see those of the people in them.
    """
    residents = {member.resident_id for each in said for member in each.members}
    named = {each.performed_by for each in said if each.performed_by}
    people = await people_named(session, residents, named)
    if grids is None:
        found = select(col(Grid.path), col(Grid.id)).where(col(Grid.path).in_(_paths(people, said)))
        grids = {row.path: row.id for row in await session.execute(found)}
    periods: dict[UUID, list[Period]] = defaultdict(list)
    for period in await periods_of(session, people.residents.keys()):
        periods[period.resident_id].append(period)
    sessions = await sessions_named(session, {each.site_session_id for each in said})
    return Ground(people, periods, grids, sessions)


def _paths(people: People, said: Sequence[SampleTubeRecord]) -> set[str]:
    """Where these tubes would lie, of those of whom anybody is known."""
    known = people.residents
    reaches = (
        {known[member.resident_id].reach for member in each.members if member.resident_id in known}
        for each in said
    )
    return {_lowest(each) for each in reaches if each}


def _lowest(reaches: Collection[str]) -> str:
    """The path that the grids of all these households begin with."""
    paths = [reach.split(".")[:-1] for reach in reaches]
    depth = min(map(len, paths))
    while len({tuple(path[:depth]) for path in paths}) > 1:
        depth -= 1
    return ".".join(paths[0][:depth])


def draft(ground: Ground, caller: Actor, said: SampleTubeRecord, *, within: str) -> TubeDraft:
    """The tube as it would be kept, and the tests of all in it.

    Raises `InvalidInput`, `NotFound`, `NotAColleague`, `RecordedInTheFuture` with pointers below
    `within`, and `OutsideYourGrid` for somebody whom the caller sees by a duty only.
    """
    _refuse_faults(said, within)
    ground.people.refuse_stranger(said.performed_by, within=within)
    day = clock.local_day(said.sampled_at)
    refuse_elsewhere(ground.sessions, said.site_session_id, day, dose=False, within=within)
    tube = _tube(ground, caller, said, within)
    return TubeDraft(said, tube, _tests(ground, tube, said))


def _refuse_faults(said: SampleTubeRecord, within: str) -> None:
    if len(said.members) > said.pool_size:
        raise InvalidInput(f"最多{said.pool_size}人一管。", pointer=f"{within}/members")
    for place, member in enumerate(said.members):
        before = said.members[:place]
        if any(member.resident_id == each.resident_id for each in before):
            pointer = f"{within}/members/{place}/resident_id"
            raise InvalidInput("同一人在一管中只能有一份。", pointer=pointer)
        if any(member.id == each.id for each in before):
            raise InvalidInput("检测的编号不能重复。", pointer=f"{within}/members/{place}/id")


def _tube(ground: Ground, caller: Actor, said: SampleTubeRecord, within: str) -> SampleTube:
    told = ("sampled_at",)
    fields = fill_in(
        said, entered_by=caller.worker, source=Source.visit, instants=told, within=within
    )
    members = [
        ground.people.resident(each.resident_id, within=f"{within}/members/{place}")
        for place, each in enumerate(said.members)
    ]
    day = clock.local_day(said.sampled_at)
    for member in members:
        refuse_before_birth(member.birth_date, day, pointer=f"{within}/sampled_at")
    grid, path = ground.held_by(members)
    return SampleTube(
        **fields,
        **said.model_dump(include=_TOLD),
        day=clock.local_day(said.sampled_at),
        member_count=len(members),
        outcome=DiagnosticOutcome.pending,
        reported_at=None,
        grid_id=grid,
        reach=path,
    )


def _tests(ground: Ground, tube: SampleTube, said: SampleTubeRecord) -> list[DiagnosticTest]:
    shared = tube.model_dump(include=_OF_TUBE)
    residents = [ground.people.residents[each.resident_id] for each in said.members]
    return [
        DiagnosticTest(
            **shared,
            id=member.id,
            resident_id=resident.id,
            grid_id=resident.grid_id,
            reach=resident.reach,
            quarantine_id=quarantine_on(
                ground.periods.get(resident.id, ()), resident.id, said.sampled_at
            ),
            samples=1,
            tube_id=tube.id,
            pooled=tube.member_count > 1,
        )
        for member, resident in zip(said.members, residents, strict=True)
    ]


_OF_TUBE = {"kind", "outcome", "sampled_at", "reported_at", "laboratory", "version"} | {
    *("recorded_at", "received_at", "performed_by", "entered_by", "source", "discarded_at")
}


async def record_tube(
    session: AsyncSession,
    caller: Actor,
    said: SampleTubeRecord,
    grids: Mapping[str, UUID] | None = None,
) -> tuple[SampleTube, bool]:
    """Keep a tube and the tests of all in it, or nothing; returns it and whether it is new.

    Raises what `draft` and `keep` raise; `grids` as for `survey`.
    """
    ground = await survey(session, [said], grids)
    tube, created = await keep(session, draft(ground, caller, said, within="/body"))
    if created:
        details = {"members": tube.member_count, "kind": tube.kind}
        subject, reach = tube.id, tube.reach
        audit(session, caller, "sample_tubes.record", subject=subject, reach=reach, details=details)
    return tube, created


async def keep(session: AsyncSession, drafted: TubeDraft) -> tuple[SampleTube, bool]:
    """Keep a tube with its tests, or find that it is kept; raises `TubeCodeTaken`, `RecordDiffers`.

    What was kept before one of them was refused is undone by whoever opened the transaction.
    """
    tube, created = await create_once(session, Proposal(drafted.said, drafted.tube))
    if created:
        await _keep_tests(session, drafted.tests)
    else:
        refuse_other_members(drafted.said, await tests_in(session, tube.id))
    return tube, created


async def _keep_tests(session: AsyncSession, tests: Sequence[DiagnosticTest]) -> None:
    new = await insert_new(session, tests)
    taken = [place for place, test in enumerate(tests) if test.id not in new]
    if taken:
        raise RecordDiffers(fields=[f"members/{place}/id" for place in taken])


def refuse_other_members(said: SampleTubeRecord, tests: Iterable[DiagnosticTest]) -> None:
    """Raise `RecordDiffers` where the tests of the tube as it is kept are of others."""
    kept = {(test.id, test.resident_id) for test in tests}
    if kept != {(each.id, each.resident_id) for each in said.members}:
        raise RecordDiffers(fields=["members"])


async def tests_in(session: AsyncSession, tube_id: UUID) -> Sequence[DiagnosticTest]:
    """Every test of a tube, discarded ones too, as they are now."""
    statement = select(DiagnosticTest).where(col(DiagnosticTest.tube_id) == tube_id)
    fresh = {"populate_existing": True}
    ordered = statement.order_by(col(DiagnosticTest.id))
    return (await session.scalars(ordered, execution_options=fresh)).all()
