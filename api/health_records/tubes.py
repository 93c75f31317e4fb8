"""Tubes with the samples of several people: kept with the tests of all in it, or not at all."""

from collections.abc import Collection, Sequence
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
from api.health_records.control import periods_of
from api.health_records.models import DiagnosticOutcome, DiagnosticTest, SampleTube
from api.health_records.people import People, people_named
from api.health_records.service import quarantine_on
from api.health_records.tube_schemas import SampleTubeRecord

_TOLD = {"code", "pool_size", "swab_type", "kind", "site_session_id", "laboratory", "sampled_at"}
"""What is kept of a tube just as it was told."""


async def record_tube(
    session: AsyncSession, caller: Actor, said: SampleTubeRecord
) -> tuple[SampleTube, bool]:
    """Keep a tube and the tests of all in it, or nothing; returns it and whether it is new.

    Raises `InvalidInput`, `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `TubeCodeTaken`,
    `RecordDiffers`, and `OutsideYourGrid` for somebody whom the caller sees by a duty only.
    """
    _refuse_faults(said)
    named = {said.performed_by} if said.performed_by else set[UUID]()
    people = await people_named(session, {each.resident_id for each in said.members}, named)
    people.refuse_stranger(said.performed_by, within="/body")
    tube, created = await create_once(
        session, Proposal(said, await _tube(session, caller, people, said))
    )
    if not created:
        await _refuse_other_members(session, said)
        return tube, False
    await _keep_tests(session, await _tests(session, people, tube, said))
    details = {"members": tube.member_count, "kind": tube.kind}
    subject, reach = tube.id, tube.reach
    audit(session, caller, "sample_tubes.record", subject=subject, reach=reach, details=details)
    return tube, True


async def _keep_tests(session: AsyncSession, tests: Sequence[DiagnosticTest]) -> None:
    new = await insert_new(session, tests)
    taken = [place for place, test in enumerate(tests) if test.id not in new]
    if taken:
        raise RecordDiffers(fields=[f"members/{place}/id" for place in taken])


def _refuse_faults(said: SampleTubeRecord) -> None:
    if len(said.members) > said.pool_size:
        raise InvalidInput(f"最多{said.pool_size}人一管。", pointer="/body/members")
    for place, member in enumerate(said.members):
        before = said.members[:place]
        if any(member.resident_id == each.resident_id for each in before):
            pointer = f"/body/members/{place}/resident_id"
            raise InvalidInput("同一人在一管中只能有一份。", pointer=pointer)
        if any(member.id == each.id for each in before):
            raise InvalidInput("检测的编号不能重复。", pointer=f"/body/members/{place}/id")


async def _tube(
    session: AsyncSession, caller: Actor, people: People, said: SampleTubeRecord
) -> SampleTube:
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit, instants=("sampled_at",))
    members = [
        people.resident(each.resident_id, within=f"/body/members/{place}")
        for place, each in enumerate(said.members)
    ]
    grid = await _held_by(session, {member.reach for member in members})
    return SampleTube(
        **fields,
        **said.model_dump(include=_TOLD),
        day=clock.local_day(said.sampled_at),
        member_count=len(members),
        outcome=DiagnosticOutcome.pending,
        reported_at=None,
        grid_id=grid.id,
        reach=grid.path,
    )


async def _held_by(session: AsyncSession, reaches: Collection[str]) -> Grid:
    """The lowest grid that holds all these households: whoever sees the tube sees all in it."""
    paths = [reach.split(".")[:-1] for reach in reaches]
    depth = min(map(len, paths))
    while len({tuple(path[:depth]) for path in paths}) > 1:
        depth -= 1
    path = ".".join(paths[0][:depth])
    grid = (await session.scalars(select(Grid).where(col(Grid.path) == path))).one_or_none()
    if grid is None:  # somebody in it is seen by a duty only
        raise OutsideYourGrid
    return grid


async def _tests(
    session: AsyncSession, people: People, tube: SampleTube, said: SampleTubeRecord
) -> list[DiagnosticTest]:
    periods = await periods_of(session, people.residents.keys())
    shared = tube.model_dump(include=_OF_TUBE)
    residents = [people.residents[each.resident_id] for each in said.members]
    return [
        DiagnosticTest(
            **shared,
            id=member.id,
            resident_id=resident.id,
            grid_id=resident.grid_id,
            reach=resident.reach,
            quarantine_id=quarantine_on(periods, resident.id, said.sampled_at),
            samples=1,
            tube_id=tube.id,
            pooled=tube.member_count > 1,
        )
        for member, resident in zip(said.members, residents, strict=True)
    ]


_OF_TUBE = {"kind", "outcome", "sampled_at", "reported_at", "laboratory", "version"} | {
    *("recorded_at", "received_at", "performed_by", "entered_by", "source", "discarded_at")
}


async def _refuse_other_members(session: AsyncSession, said: SampleTubeRecord) -> None:
    kept = {(test.id, test.resident_id) for test in await tests_in(session, said.id)}
    if kept != {(each.id, each.resident_id) for each in said.members}:
        raise RecordDiffers(fields=["members"])


async def tests_in(session: AsyncSession, tube_id: UUID) -> Sequence[DiagnosticTest]:
    """Every test of a tube, discarded ones too, as they are now."""
    statement = select(DiagnosticTest).where(col(DiagnosticTest.tube_id) == tube_id)
    fresh = {"populate_existing": True}
    ordered = statement.order_by(col(DiagnosticTest.id))
    return (await session.scalars(ordered, execution_options=fresh)).all()
