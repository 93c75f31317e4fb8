"""Releases over HTTP: conditions and who waits for what, the approval, the notice."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import NotingSession, ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound
from api.quarantines.masked import shown
from api.quarantines.problems import QuarantineEnded, ReleaseConditionsUnmet
from api.quarantines.schemas import QuarantineRead
from api.releases import queries, service
from api.releases.notice_pdf import pdf_of
from api.releases.schemas import (
    NoticeRead,
    ReleaseApproval,
    ReleaseRead,
    RevealReason,
)

router = room("releases")

ReleaseReader = Annotated[Claims, permits(Permission.health_records_read)]
NoticeReader = Annotated[Claims, permits(Permission.quarantines_read)]
Paged = Annotated[PageRequest, Depends(page_request)]
Reason = Annotated[RevealReason, Query()]

_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A4 一页",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/releases/proposed", responses=found())
async def list_proposed_releases(
    reader: ReleaseReader,
    session: ScopedSession,
    page: Paged,
    ready: Annotated[
        bool, Query(description="true 为可以解除的，false 为到期而条件不具备的")
    ] = True,
) -> Page[ReleaseRead]:
    """列出到期应解除的人。

    期限已满（含今天到期）而未解除的：各项条件都具备的可以解除，否则列明缺什么。一页查看 `limit`
    人，只列其中符合的，因此一页可能不足 `limit` 人，以 `next_cursor` 为准（M3.8）。
    """
    return await queries.releases_proposed(session, reader, page, ready=ready)


@router.get("/quarantines/{quarantine_id}/release", responses=found())
async def read_release(
    quarantine_id: UUID, reader: ReleaseReader, session: ScopedSession
) -> ReleaseRead:
    """查看一人今天能否解除。

    逐项列出条件、是否具备和凭据：期限、各次检测、未办结的异常、所跟随的密接、未办结的转运等（M3.8）。
    """
    return await queries.release_of(session, reader, quarantine_id)


@router.post(
    "/quarantines/{quarantine_id}/release",
    responses=writes(NotFound, QuarantineEnded, ReleaseConditionsUnmet),
)
async def release_quarantine(
    quarantine_id: UUID,
    approval: ReleaseApproval,
    approver: ReleaseReader,
    session: ScopedSession,
) -> QuarantineRead:
    """批准解除。

    各项条件都具备才能解除；由方案规定的身份和层级批准，没有方案的由有权管理隔离的人员批准（M3.8）。
    解除即结束包保，包保人员此后不能再看到此人；同时生成解除告知书。
    """
    return await shown(session, await service.release(session, approver, quarantine_id, approval))


@router.get("/quarantines/{quarantine_id}/notice", responses=found())
async def read_release_notice(
    quarantine_id: UUID, reader: NoticeReader, session: NotingSession, reason: Reason = None
) -> NoticeRead:
    """查看解除告知书。

    证件号、住址脱敏；有权查看全文的人写明原因后为全文。查看将被记录（M6.6）。
    """
    notice = await queries.notice_of(session, reader, quarantine_id, reason=reason)
    return queries.notice_read(quarantine_id, notice)


@router.get(
    "/quarantines/{quarantine_id}/notice.pdf",
    response_class=Response,
    responses={**_PDF, **found()},
)
async def print_release_notice(
    quarantine_id: UUID, reader: NoticeReader, session: NotingSession, reason: Reason = None
) -> Response:
    """打印解除告知书。

    A4 的 PDF，供盖章后交给本人；证件号、住址脱敏，有权查看全文的人写明原因后为全文。打印将被记录。
    """
    notice = await queries.notice_of(session, reader, quarantine_id, reason=reason)
    return Response(await asyncio.to_thread(pdf_of, notice), media_type="application/pdf")
