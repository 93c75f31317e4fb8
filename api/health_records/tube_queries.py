"""Reading tubes; what is out of reach is not there."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.records import former
from api.health_records.lists import Wanted, narrowed, on_day
from api.health_records.models import DiagnosticOutcome, SampleTube
from api.health_records.tube_schemas import (
    SampleTubeHistory,
    SampleTubeListed,
    SampleTubeRead,
    SampleTubeRevision,
    TubeMemberRead,
)
from api.health_records.tubes import tests_in
from api.registry.models import Resident


class TubesWanted(Wanted):
    """Which tubes are wanted."""

    code: str | None = None
    site_session_id: UUID | None = None
    outcome: DiagnosticOutcome | None = None
    day: date | None = None


async def tubes(
    session: AsyncSession, wanted: TubesWanted, page: PageRequest
) -> Page[SampleTubeListed]:
    """Tubes, those sampled last first."""
    statement = await narrowed(session, SampleTube, wanted, ("code", "site_session_id", "outcome"))
    statement = on_day(statement, col(SampleTube.sampled_at), wanted.day)
    keys = [col(SampleTube.sampled_at), col(SampleTube.id)]
    return await read_page(session, statement, keys, page, present=_listed, descending=True)


async def present_tube(session: AsyncSession, tube: SampleTube) -> SampleTubeRead:
    """A tube as the wire shows it, with those in it whom the reader sees."""
    tests = await tests_in(session, tube.id)
    named = select(col(Resident.id), col(Resident.name)).where(
        col(Resident.id).in_([each.resident_id for each in tests])
    )
    names = {row.id: row.name for row in await session.execute(named)}
    members = [
        TubeMemberRead(
            test_id=each.id,
            name=names[each.resident_id],
            **each.model_dump(include={"resident_id", "outcome", "discarded_at"}),
        )
        for each in tests
    ]
    return SampleTubeRead(**tube.model_dump(include=_OWN), members=members)


_OWN = set(SampleTubeListed.model_fields)


def _listed(tube: SampleTube) -> SampleTubeListed:
    return SampleTubeListed(**tube.model_dump(include=_OWN))


async def tube_history(session: AsyncSession, tube: SampleTube) -> SampleTubeHistory:
    """What was said of a tube before each of its corrections, oldest first."""
    return SampleTubeHistory(
        items=[
            SampleTubeRevision(tube=SampleTubeListed.model_validate(said), **replaced)
            for said, replaced in await former(session, tube)
        ]
    )
