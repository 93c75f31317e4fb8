"""Leads as sheets: the template handed out, the filled one taken in, tried out or kept."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import room, writes
from api.foundation.fields import ShortText
from api.foundation.problems import NotFound
from api.leads.problems import LeadBatchDiscarded, SheetNotRead
from api.leads.template import MEDIA_TYPE, template
from api.leads.upload_shown import LeadsUploaded
from api.leads.uploading import Asked, Uploaded, upload_leads

router = room("leads")

Reader = Annotated[Claims, permits(Permission.leads_read)]
Manager = Annotated[Claims, permits(Permission.leads_manage)]

_WORKBOOK = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/lead-batches/template.xlsx",
    response_class=Response,
    responses={200: {"description": "模板", **_WORKBOOK}},
)
async def read_lead_template(_: Reader) -> Response:
    """下载线索表格模板。

    证件号码、电话列已设为文本；填好后用“上传”填入一批（M2.9）。
    """
    headers = {"Content-Disposition": 'attachment; filename="leads.xlsx"'}
    return Response(template(), media_type=MEDIA_TYPE, headers=headers)


@router.post(
    "/lead-batches/{batch_id}/upload",
    responses=writes(NotFound, LeadBatchDiscarded, SheetNotRead),
)
async def upload_lead_sheet(
    batch_id: UUID,
    manager: Manager,
    workbook: Uploaded,
    session: ScopedSession,
    dry_run: Annotated[bool, Query(description="true 为试读：逐行给出结果，什么都不保存")] = False,
    sheet: Annotated[
        ShortText | None,
        Query(description="读取哪个工作表；不填为第一个有表头的，其余见 other_sheets"),
    ] = None,
) -> LeadsUploaded:
    """用 Excel 或 CSV 表格填入一批线索。

    认得常见的表头、两行表头、说明行、合计行；有误的行指出列和原因，其余照收（M2.9）。
    同一表格再次上传不会重复。身份证号被存成数字的，末几位已丢失，须在原表改为文本后重填。
    """
    return await upload_leads(session, manager, batch_id, workbook, Asked(sheet, dry_run))
