"""Dossiers over HTTP: one person's timeline, and a copy of it when they ask."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Response

from api.access.caller import NotingSession, ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.dossiers import copies
from api.dossiers.chapter import EntryKind
from api.dossiers.copy_pdf import pdf_of
from api.dossiers.problems import CopyNoLongerKept
from api.dossiers.reading import read_file
from api.dossiers.schemas import Dossier, DossierExportAsk, DossierExportRead
from api.dossiers.timeline import Span
from api.foundation.contract import found, room, writes
from api.foundation.fields import Day
from api.foundation.pages import PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import tell_created

router = room("dossiers")

DossierReader = Annotated[Claims, permits(Permission.dossiers_read)]
Exporter = Annotated[Claims, permits(Permission.dossiers_export)]
Paged = Annotated[PageRequest, Depends(page_request)]
_NEVER_STORED = {"Cache-Control": "no-store"}
Kinds = Annotated[list[EntryKind], Query(description="只看这些类别；不填为全部")]


def _file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    is_json = media_type == "application/json"
    schema = {"type": "object"} if is_json else {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


async def wanted_span(
    from_on: Annotated[Day | None, Query(description="从这一天起")] = None,
    to_on: Annotated[Day | None, Query(description="到这一天止，含当天")] = None,
) -> Span:
    return Span.of_days(from_on, to_on)


@router.get("/residents/{resident_id}/dossier", responses=found())
async def read_dossier(
    resident_id: UUID,
    reader: DossierReader,
    session: NotingSession,
    page: Paged,
    span: Annotated[Span, Depends(wanted_span)],
    kind: Kinds = [],  # noqa: B006 - FastAPI's own way to say that none is asked for
) -> Dossier:
    """查看一人一档。

    一个居民的登记、走访、返乡、线索、检测、健康码、行程卡、疫苗、通行、隔离、体温、异常、问候等，按时间倒序；证件号和电话脱敏。
    没有权限的类别不列出，在 `withheld` 中说明。查看将被记录（M2.7）。
    """
    return await read_file(session, reader, resident_id, page, span=span, kinds=kind)


@router.post(
    "/residents/{resident_id}/dossier-exports",
    status_code=201,
    responses={
        200: {"model": DossierExportRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers),
    },
)
async def export_dossier(
    resident_id: UUID,
    ask: DossierExportAsk,
    exporter: Exporter,
    session: ScopedSession,
    response: Response,
) -> DossierExportRead:
    """应本人请求导出其档案的副本。

    须写明由谁提出、如何核实；副本为全文，24 小时内可领取 PDF 或 JSON，逾期须重新导出。导出将被记
    录。
    """
    kept, created = await copies.make_copy(session, exporter, resident_id, ask)
    address = f"/v1/dossier-exports/{kept.id}"
    tell_created(response, address, version=kept.version, created=created)
    return copies.present(session, kept)


@router.get("/dossier-exports/{dossier_export_id}", responses=found())
async def read_dossier_export(
    dossier_export_id: UUID, exporter: Exporter, session: ScopedSession
) -> DossierExportRead:
    """查看一次导出。"""
    return copies.present(session, await copies.export_of(session, dossier_export_id))


@router.get(
    "/dossier-exports/{dossier_export_id}/copy.json",
    response_class=Response,
    responses={**_file("application/json", "全部记录"), **found(CopyNoLongerKept)},
)
async def fetch_dossier_as_json(
    dossier_export_id: UUID, exporter: Exporter, session: NotingSession
) -> Response:
    """领取副本（JSON）。

    `person` 为登记的信息，`timeline` 为时间线，`records` 为各类记录的全文；
    不含他人的信息，包保人员的姓名除外。领取将被记录。
    """
    copy, _ = await copies.copy_of(session, exporter, dossier_export_id)
    body = orjson.dumps(copy, default=str)
    return Response(body, media_type="application/json", headers=_NEVER_STORED)


@router.get(
    "/dossier-exports/{dossier_export_id}/copy.pdf",
    response_class=Response,
    responses={**_file("application/pdf", "A4，逐条列出"), **found(CopyNoLongerKept)},
)
async def fetch_dossier_as_pdf(
    dossier_export_id: UUID, exporter: Exporter, session: NotingSession
) -> Response:
    """领取副本（PDF）。

    供打印后交给本人；含证件号、电话、住址全文和时间线。领取将被记录。
    """
    copy, entries = await copies.copy_of(session, exporter, dossier_export_id)
    body = await asyncio.to_thread(pdf_of, copy, entries)
    return Response(body, media_type="application/pdf", headers=_NEVER_STORED)
