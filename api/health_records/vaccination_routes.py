"""Doses of vaccine over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.fields import Day
from api.foundation.pages import Page
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.health_records import vaccinations
from api.health_records.code_routes import (
    DISCARDING,
    KEPT,
    SAYING,
    Discarded,
    OfGrid,
    OfResident,
    Paged,
    Reader,
    Recorder,
)
from api.health_records.code_schemas import RecordDiscard
from api.health_records.keeping import Discarding, discard, record_of, standing_record_of
from api.health_records.models import Vaccination, VaccinationOutcome, VaccineTechnology
from api.health_records.problems import DoseKept
from api.health_records.vaccination_schemas import (
    VaccinationBatch,
    VaccinationCorrect,
    VaccinationHistory,
    VaccinationRead,
    VaccinationRecord,
)

router = room("health_records")


async def wanted_vaccinations(
    grid_id: OfGrid = None,
    resident_id: OfResident = None,
    outcome: Annotated[VaccinationOutcome | None, Query(description="这一结果的")] = None,
    technology: Annotated[VaccineTechnology | None, Query(description="这一种类的疫苗")] = None,
    given_on: Annotated[Day | None, Query(description="这一天接种的")] = None,
    discarded: Discarded = False,
) -> vaccinations.VaccinationsWanted:
    return vaccinations.VaccinationsWanted(
        grid_id=grid_id,
        resident_id=resident_id,
        outcome=outcome,
        technology=technology,
        given_on=given_on,
        discarded=discarded,
    )


@router.post(
    "/vaccinations",
    status_code=201,
    responses={
        200: {"model": VaccinationRead, "description": KEPT},
        **writes(*SAYING, DoseKept),
    },
)
async def record_vaccination(
    vaccination: VaccinationRecord, recorder: Recorder, session: ScopedSession, response: Response
) -> VaccinationRead:
    """登记一剂疫苗，或登记有禁忌不宜接种。

    同一人的同一剂次只登记一次；是否全程、加强，按施行的有效期规则推定，见“查看一人的健康码…是否有效”（M2.7）。
    """
    kept, created = await vaccinations.record_vaccination(session, recorder, vaccination)
    tell_created(response, f"/v1/vaccinations/{kept.id}", version=kept.version, created=created)
    return vaccinations.present_vaccination(kept)


@router.post("/vaccinations/batch", responses=writes())
async def record_vaccinations(
    batch: VaccinationBatch, recorder: Recorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多剂疫苗。

    最多 500 条，逐条给出结果，一条有误不影响其他各条；整批重发不会重复登记。
    """
    items = read_or_unread(batch.items)
    return await vaccinations.record_vaccinations(session, recorder, items)


@router.get("/vaccinations")
async def list_vaccinations(
    _: Reader,
    session: ScopedSession,
    wanted: Annotated[vaccinations.VaccinationsWanted, Depends(wanted_vaccinations)],
    page: Paged,
) -> Page[VaccinationRead]:
    """列出接种记录，最近接种的在前。"""
    return await vaccinations.vaccinations(session, wanted, page)


@router.get("/vaccinations/{vaccination_id}", responses=found())
async def read_vaccination(
    vaccination_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> VaccinationRead:
    """查看一条接种记录。"""
    row = await record_of(session, Vaccination, vaccination_id)
    response.headers["ETag"] = f'"{row.version}"'
    return vaccinations.present_vaccination(row)


@router.patch("/vaccinations/{vaccination_id}", responses=writes(*DISCARDING, DoseKept))
async def correct_vaccination(
    vaccination_id: UUID,
    correction: VaccinationCorrect,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> VaccinationRead:
    """更正一条接种记录。

    只更改所填的各项，原内容留存，须写明理由。
    """
    row = await vaccinations.correct_vaccination(
        session, recorder, vaccination_id, correction, version=version
    )
    response.headers["ETag"] = f'"{row.version}"'
    return vaccinations.present_vaccination(row)


@router.post("/vaccinations/{vaccination_id}/discard", responses=writes(*DISCARDING))
async def discard_vaccination(
    vaccination_id: UUID,
    said: RecordDiscard,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> VaccinationRead:
    """作废一条接种记录。

    作废后不再计入，内容留存可查，须说明理由。
    """
    row = await standing_record_of(session, Vaccination, vaccination_id)
    await discard(session, recorder, row, Discarding(version, said.reason))
    response.headers["ETag"] = f'"{row.version}"'
    return vaccinations.present_vaccination(row)


@router.get("/vaccinations/{vaccination_id}/history", responses=found())
async def read_vaccination_history(
    vaccination_id: UUID, _: Reader, session: ScopedSession
) -> VaccinationHistory:
    """查看一条接种记录更正前的各版内容。"""
    row = await record_of(session, Vaccination, vaccination_id)
    return await vaccinations.vaccination_history(session, row)
