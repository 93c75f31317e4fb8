"""What is told at a session of those who came, by whoever stands there; read by nobody else here.

Where these people live they are records like any other. Here their recorder sees again what they
told, with the names masked, and never what came of it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.identity import mask_name
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import InvalidInput
from api.health_records.models import DiagnosticTest, SampleTube, Vaccination
from api.health_records.tube_schemas import SampleTubeRecord, TubeMember
from api.health_records.tubes import record_tube
from api.health_records.vaccination_schemas import VaccinationRecord
from api.health_records.vaccinations import record_vaccination
from api.registry.models import Resident
from api.sites.attendance import open_all_to_site, open_to_site, session_at_work
from api.sites.attendance_schemas import (
    SiteDoseRead,
    SiteDoseRecord,
    SiteTubeMemberRead,
    SiteTubeRead,
    SiteTubeRecord,
)
from api.sites.models import SiteKind, SiteSession
from api.sites.queries import hours_of, session_of


async def record_tube_at(
    session: AsyncSession, caller: Claims, session_id: UUID, said: SiteTubeRecord
) -> tuple[SampleTube, bool]:
    """Keep a tube with the tests of those who were looked up for it, where they live.

    Raises `NotFound`, `SessionNotSo`, `OtherKindOfSite`, `LookUpOver`, `InvalidInput` for a time
    that is not the session's, and what `record_tube` raises.
    """
    held, _ = await session_at_work(session, session_id, SiteKind.sampling)
    _refuse_other_time(held, said.sampled_at)
    pointers = [f"/body/members/{place}/look_up_id" for place in range(len(said.members))]
    named = dict(zip(pointers, (each.look_up_id for each in said.members), strict=True))
    opened = await open_to_site(session, held, named)
    _refuse_twice(opened.residents, pointers)
    members = [
        TubeMember(id=each.id, resident_id=resident)
        for each, resident in zip(said.members, opened.residents, strict=True)
    ]
    told = said.model_dump(exclude={"members"}, exclude_unset=True)
    tube = SampleTubeRecord(**told, site_session_id=held.id, members=members)
    kept, created = await record_tube(session, caller, tube, opened.grids)
    if created:
        opened.refuse_if_over()
    return kept, created


def _refuse_other_time(held: SiteSession, at: datetime) -> None:
    hours = hours_of(held)
    if not hours.starts_at <= at <= hours.ends_at:
        raise InvalidInput("采样时间不在本场次之内。", pointer="/body/sampled_at")


def _refuse_twice(residents: Sequence[UUID], pointers: Sequence[str]) -> None:
    for place, resident in enumerate(residents):
        if resident in residents[:place]:
            raise InvalidInput("同一人在一管中只能有一份。", pointer=pointers[place])


async def record_dose_at(
    session: AsyncSession, caller: Claims, session_id: UUID, said: SiteDoseRecord
) -> tuple[Vaccination, bool]:
    """Keep a dose of somebody who was looked up at this session, where they live.

    Raises `NotFound`, `SessionNotSo`, `OtherKindOfSite`, `LookUpOver`, `InvalidInput` for a day
    that is not the session's, and what `record_vaccination` raises.
    """
    held, _ = await session_at_work(session, session_id, SiteKind.vaccination)
    begins = min(held.starts_at, held.opened_at or held.starts_at)
    days = clock.local_day(begins), clock.local_day(max(held.ends_at, clock.now()))
    if not days[0] <= said.given_on <= days[1]:
        raise InvalidInput("接种日期不在本场次之内。", pointer="/body/given_on")
    opened = await open_to_site(session, held, {"/body/look_up_id": said.look_up_id})
    told = said.model_dump(exclude={"look_up_id"}, exclude_unset=True)
    [resident] = opened.residents
    dose = VaccinationRecord(**told, site_session_id=held.id, resident_id=resident)
    kept, created = await record_vaccination(session, caller, dose)
    if created:
        opened.refuse_if_over()
    return kept, created


async def own_tubes(
    session: AsyncSession, caller: Claims, session_id: UUID, page: PageRequest
) -> Page[SiteTubeRead]:
    """The tubes that the caller told at a session, those sampled last first; raises `NotFound`."""
    held = await session_of(session, session_id)
    await open_all_to_site(session, held)
    statement = select(SampleTube).where(
        col(SampleTube.site_session_id) == held.id, col(SampleTube.entered_by) == caller.worker
    )
    keys = [col(SampleTube.sampled_at), col(SampleTube.id)]
    found = await read_page(session, statement, keys, page, present=as_it_is, descending=True)
    return Page(items=await present_tubes(session, found.items), next_cursor=found.next_cursor)


async def present_tubes(session: AsyncSession, tubes: Collection[SampleTube]) -> list[SiteTubeRead]:
    """Tubes as their recorder may see them; those in them must be open to the transaction."""
    statement = (
        select(col(DiagnosticTest.tube_id), col(DiagnosticTest.id), col(Resident.name))
        .join(Resident, col(Resident.id) == col(DiagnosticTest.resident_id))
        .where(col(DiagnosticTest.tube_id).in_([each.id for each in tubes]))
        .order_by(col(DiagnosticTest.id))
    )
    members: dict[UUID | None, list[SiteTubeMemberRead]] = {each.id: [] for each in tubes}
    for tube_id, test_id, name in await session.execute(statement):
        members[tube_id].append(SiteTubeMemberRead(test_id=test_id, name=mask_name(name)))
    return [
        SiteTubeRead.model_validate({**each.model_dump(), "members": members[each.id]})
        for each in tubes
    ]


async def own_doses(
    session: AsyncSession, caller: Claims, session_id: UUID, page: PageRequest
) -> Page[SiteDoseRead]:
    """The doses that the caller told at a session, the last first; raises `NotFound`."""
    held = await session_of(session, session_id)
    await open_all_to_site(session, held)
    statement = select(Vaccination).where(
        col(Vaccination.site_session_id) == held.id, col(Vaccination.entered_by) == caller.worker
    )
    keys = [col(Vaccination.received_at), col(Vaccination.id)]
    found = await read_page(session, statement, keys, page, present=as_it_is, descending=True)
    return Page(items=await present_doses(session, found.items), next_cursor=found.next_cursor)


async def present_doses(
    session: AsyncSession, doses: Collection[Vaccination]
) -> list[SiteDoseRead]:
    """Doses as their recorder may see them; whose they are must be open to the transaction."""
    statement = select(col(Resident.id), col(Resident.name)).where(
        col(Resident.id).in_([each.resident_id for each in doses])
    )
    names = {row.id: row.name for row in await session.execute(statement)}
    return [_dose(each.model_dump(), names[each.resident_id]) for each in doses]


def _dose(kept: Mapping[str, Any], name: str) -> SiteDoseRead:
    told = {each: kept[each] for each in SiteDoseRead.model_fields if each in kept}
    return SiteDoseRead.model_validate({**told, "name": mask_name(name)})
