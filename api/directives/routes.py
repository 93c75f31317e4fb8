"""Directives over HTTP: issued down, acknowledged and reported up, summed for each level."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.directives import answers, handover, lateness, progress, queries, service
from api.directives.models import DirectiveStatus
from api.directives.problems import DirectiveEnded, NobodyToTell
from api.directives.schemas import (
    Acknowledgement,
    DirectiveChange,
    DirectiveEnd,
    DirectiveIssue,
    DirectiveProgress,
    DirectiveRead,
    DirectiveReport,
    ReceiptRead,
)
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.grids.problems import GridClosed

# What becomes of receipts when a post ends, and of late ones, is registered where it is written.
__all__ = ["handover", "lateness", "router"]

router = room("directives")

DirectiveReader = Annotated[Claims, permits(Permission.directives_read)]
DirectiveIssuer = Annotated[Claims, permits(Permission.directives_issue)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfGrid = Annotated[UUID | None, Query(description="只看该网格及其下级网格")]

_ANSWERING = writes(NotFound, DirectiveEnded, RecordedInTheFuture)


async def wanted(
    told_to_me: Annotated[bool, Query(description="true 为只看下达给本任职的")] = False,
    outstanding: Annotated[bool, Query(description="true 为只看本任职尚未按要求反馈的")] = False,
    issued_by_me: Annotated[bool, Query(description="true 为只看本人下达的")] = False,
    status: Annotated[DirectiveStatus | None, Query(description="指令状态")] = None,
    grid_id: Annotated[UUID | None, Query(description="下达到该网格或其下级网格的")] = None,
) -> queries.Wanted:
    return queries.Wanted(
        told_to_me=told_to_me,
        outstanding=outstanding,
        issued_by_me=issued_by_me,
        status=status,
        grid_id=grid_id,
    )


@router.post(
    "/directives",
    status_code=201,
    response_model=DirectiveRead,
    responses={
        200: {"model": DirectiveRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, GridClosed, NobodyToTell),
    },
)
async def issue_directive(
    directive: DirectiveIssue, issuer: DirectiveIssuer, session: ScopedSession, response: Response
) -> DirectiveRead:
    """下达一条指令。

    下达给该网格及其下级符合层级、职务条件的全部在任人员（本人除外），各自确认、反馈（M1.6）。
    反馈期限以前新任职的（含新设网格的），半分钟内一并下达；前任已反馈的不再下达。
    没有符合条件的人员时不下达。
    """
    kept, created = await service.issue_directive(session, issuer, directive)
    tell_created(response, f"/v1/directives/{kept.id}", version=kept.version, created=created)
    return await queries.shown(session, issuer, kept)


@router.get("/directives", response_model=Page[DirectiveRead], responses=found())
async def list_directives(
    reader: DirectiveReader,
    session: ScopedSession,
    filters: Annotated[queries.Wanted, Depends(wanted)],
    page: Paged,
) -> Page[DirectiveRead]:
    """列出指令，新的在前。

    下达到本网格、其上级和其下级的都可以看到；各条件可同时使用（M1.6）。
    """
    return await queries.page_of_directives(session, reader, filters, page)


@router.get("/directives/{directive_id}", response_model=DirectiveRead, responses=found())
async def read_directive(
    directive_id: UUID, reader: DirectiveReader, session: ScopedSession, response: Response
) -> DirectiveRead:
    """查看一条指令。

    含本任职的反馈。
    """
    directive = await queries.directive_of(session, directive_id)
    response.headers["ETag"] = f'"{directive.version}"'
    return await queries.shown(session, reader, directive)


@router.patch(
    "/directives/{directive_id}",
    response_model=DirectiveRead,
    responses=writes(NotFound, DirectiveEnded, VersionMissing, VersionMismatch),
)
async def change_directive(
    directive_id: UUID,
    change: DirectiveChange,
    version: IfMatch,
    issuer: DirectiveIssuer,
    session: ScopedSession,
    response: Response,
) -> DirectiveRead:
    """变更一条指令的期限。

    由下达者或其上级变更，须写明原因，原期限保留备查；尚未反馈的按新期限重新提醒。
    """
    directive = await service.change_directive(
        session, issuer, directive_id, change, version=version
    )
    response.headers["ETag"] = f'"{directive.version}"'
    return await queries.shown(session, issuer, directive)


@router.post(
    "/directives/{directive_id}/close",
    response_model=DirectiveRead,
    responses=writes(NotFound, DirectiveEnded),
)
async def close_directive(
    directive_id: UUID, ending: DirectiveEnd, issuer: DirectiveIssuer, session: ScopedSession
) -> DirectiveRead:
    """办结一条指令。

    由下达者或其上级办结；办结后不再反馈、提醒。
    """
    directive = await service.end_directive(
        session, issuer, directive_id, ending, status=DirectiveStatus.closed
    )
    return await queries.shown(session, issuer, directive)


@router.post(
    "/directives/{directive_id}/withdraw",
    response_model=DirectiveRead,
    responses=writes(NotFound, DirectiveEnded),
)
async def withdraw_directive(
    directive_id: UUID, ending: DirectiveEnd, issuer: DirectiveIssuer, session: ScopedSession
) -> DirectiveRead:
    """撤回一条指令。

    由下达者或其上级撤回；撤回后不再反馈、提醒。
    """
    directive = await service.end_directive(
        session, issuer, directive_id, ending, status=DirectiveStatus.withdrawn
    )
    return await queries.shown(session, issuer, directive)


@router.post(
    "/directives/{directive_id}/acknowledge", response_model=ReceiptRead, responses=_ANSWERING
)
async def acknowledge_directive(
    directive_id: UUID, answer: Acknowledgement, reader: DirectiveReader, session: ScopedSession
) -> ReceiptRead:
    """确认收到一条指令。

    以第一次确认为准，重发不变。有下达权限的可代下级任职确认，代办人将被记录（M1.6）。
    """
    return queries.shown_receipt(
        session, *await answers.acknowledge(session, reader, directive_id, answer)
    )


@router.post("/directives/{directive_id}/report", response_model=ReceiptRead, responses=_ANSWERING)
async def report_on_directive(
    directive_id: UUID, answer: DirectiveReport, reader: DirectiveReader, session: ScopedSession
) -> ReceiptRead:
    """反馈一条指令的办理情况。

    反馈即视为收到；内容不同的再次反馈替换前一次，原内容保留备查。可代下级任职反馈（M1.6）。
    """
    return queries.shown_receipt(
        session, *await answers.report(session, reader, directive_id, answer)
    )


@router.get(
    "/directives/{directive_id}/progress", response_model=DirectiveProgress, responses=found()
)
async def read_directive_progress(
    directive_id: UUID, reader: DirectiveReader, session: ScopedSession, grid_id: OfGrid = None
) -> DirectiveProgress:
    """查看一条指令的反馈进度。

    按下级网格、按层级汇总，列出本网格内尚未反馈的人员；以下级的 grid_id 再查可逐级下钻（M1.6）。
    """
    directive = await queries.directive_of(session, directive_id)
    return await progress.progress_of(session, reader, directive, grid_id)


@router.get(
    "/directives/{directive_id}/receipts", response_model=Page[ReceiptRead], responses=found()
)
async def list_directive_receipts(
    directive_id: UUID,
    reader: DirectiveReader,
    session: ScopedSession,
    page: Paged,
    grid_id: OfGrid = None,
    outstanding: Annotated[bool, Query(description="true 为只看尚未按要求反馈的")] = False,
) -> Page[ReceiptRead]:
    """列出一条指令下达给了谁、各自的反馈。

    只列本网格范围内的；`outstanding=true` 即尚未反馈的人员（M1.6）。
    """
    return await queries.page_of_receipts(
        session, directive_id, page, grid_id=grid_id, open_only=outstanding
    )
