"""Counts and troubles over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.sites import tallies, troubles
from api.sites.problems import HourAlreadyCounted, SessionNotSo, TroubleSolved
from api.sites.tally_schemas import (
    SessionTallyRead,
    TallyCorrect,
    TallyRead,
    TallyRecord,
    TroubleRead,
    TroubleRecord,
    TroubleSolution,
)

router = room("sites")

SiteReader = Annotated[Claims, permits(Permission.sites_read)]
SiteRecorder = Annotated[Claims, permits(Permission.sites_record)]
Paged = Annotated[PageRequest, Depends(page_request)]

_AGAIN = "同一编号、同一内容此前已提交"
_SAYING = (NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague)
_CHANGING = (NotFound, VersionMissing, VersionMismatch)


@router.post(
    "/site-sessions/{site_session_id}/tallies",
    status_code=201,
    responses={
        200: {"model": TallyRead, "description": _AGAIN},
        **writes(*_SAYING, SessionNotSo, HourAlreadyCounted),
    },
)
async def record_session_tally(
    site_session_id: UUID,
    tally: TallyRecord,
    recorder: SiteRecorder,
    session: ScopedSession,
    response: Response,
) -> TallyRead:
    """登记一小时的人数。

    每人每小时一条，多个台位分别登记、自动合计；有误用更正。
    """
    kept, created = await tallies.count_hour(session, recorder, site_session_id, tally)
    tell_created(response, f"/v1/session-tallies/{kept.id}", version=kept.version, created=created)
    return TallyRead.model_validate(kept)


@router.get("/site-sessions/{site_session_id}/tally", responses=found())
async def read_session_tally(
    site_session_id: UUID, reader: SiteReader, session: ScopedSession
) -> SessionTallyRead:
    """查看一场的人数：逐小时和合计。

    `named` 为本场按姓名登记的采样、接种人数，与合计的差额一并列出。
    """
    return await tallies.tallied(session, site_session_id)


@router.get("/session-tallies/{tally_id}", responses=found())
async def read_tally(
    tally_id: UUID, reader: SiteReader, session: ScopedSession, response: Response
) -> TallyRead:
    """查看一条人数登记。"""
    tally = await tallies.tally_of(session, tally_id)
    response.headers["ETag"] = f'"{tally.version}"'
    return TallyRead.model_validate(tally)


@router.patch("/session-tallies/{tally_id}", responses=writes(*_CHANGING))
async def correct_tally(
    tally_id: UUID,
    correction: TallyCorrect,
    recorder: SiteRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> TallyRead:
    """更正一条人数登记。须说明理由，更正前的内容留存。"""
    kept = await tallies.correct_tally(session, recorder, tally_id, correction, version=version)
    response.headers["ETag"] = f'"{kept.version}"'
    return TallyRead.model_validate(kept)


@router.post(
    "/site-sessions/{site_session_id}/problems",
    status_code=201,
    responses={200: {"model": TroubleRead, "description": _AGAIN}, **writes(*_SAYING)},
)
async def report_site_problem(
    site_session_id: UUID,
    problem: TroubleRecord,
    recorder: SiteRecorder,
    session: ScopedSession,
    response: Response,
) -> TroubleRead:
    """登记站点的一个问题。

    紧急的同时上报异常，逐级通知。
    """
    kept, created = await troubles.tell_trouble(session, recorder, site_session_id, problem)
    tell_created(response, f"/v1/site-problems/{kept.id}", version=kept.version, created=created)
    return troubles.present(session, kept)


@router.get("/site-problems")
async def list_site_problems(
    reader: SiteReader,
    session: ScopedSession,
    page: Paged,
    site_session_id: Annotated[UUID | None, Query(description="该场次的问题")] = None,
    unsolved: Annotated[bool, Query(description="true 为只看未解决的")] = False,
) -> Page[TroubleRead]:
    """列出站点的问题，最近发现的在前。"""
    return await troubles.troubles(session, page, session_id=site_session_id, unsolved=unsolved)


@router.get("/site-problems/{problem_id}", responses=found())
async def read_site_problem(
    problem_id: UUID, reader: SiteReader, session: ScopedSession, response: Response
) -> TroubleRead:
    """查看站点的一个问题。"""
    trouble = await troubles.trouble_of(session, problem_id)
    response.headers["ETag"] = f'"{trouble.version}"'
    return troubles.present(session, trouble)


@router.post("/site-problems/{problem_id}/solve", responses=writes(*_CHANGING, TroubleSolved))
async def solve_site_problem(
    problem_id: UUID,
    solution: TroubleSolution,
    recorder: SiteRecorder,
    session: ScopedSession,
    version: IfMatch,
) -> TroubleRead:
    """登记问题已解决。"""
    solved = await troubles.solve(session, recorder, problem_id, solution, version=version)
    return troubles.present(session, solved)
