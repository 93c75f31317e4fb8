"""Leads and batches put right, or taken back, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.problems import NotFound, OutsideYourGrid, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch
from api.leads import batch_corrections, correcting, discarding, history
from api.leads.correction_schemas import (
    LeadBatchDiscard,
    LeadBatchHistory,
    LeadCorrect,
    LeadDiscard,
    LeadHistory,
)
from api.leads.masked import shown_batch, shown_lead
from api.leads.problems import (
    LeadBatchAlreadyEntered,
    LeadBatchDiscarded,
    LeadDiscarded,
    LeadHandedHere,
    LeadNotSo,
    LeadsWorkedOn,
)
from api.leads.queries import batch_of, lead_of
from api.leads.schemas import LeadBatchCorrect
from api.leads.shown import LeadBatchRead, LeadRead

router = room("leads")

Reader = Annotated[Claims, permits(Permission.leads_read)]
Manager = Annotated[Claims, permits(Permission.leads_manage)]

_CHANGING = (NotFound, VersionMissing, VersionMismatch)
_OF_A_BATCH = (*_CHANGING, LeadBatchDiscarded)
_OF_A_LEAD = (*_CHANGING, OutsideYourGrid, LeadDiscarded)
_TAKING_BACK = (LeadsWorkedOn, LeadHandedHere)


@router.patch("/lead-batches/{batch_id}", responses=writes(*_OF_A_BATCH, LeadBatchAlreadyEntered))
async def correct_lead_batch(
    batch_id: UUID,
    correction: LeadBatchCorrect,
    version: IfMatch,
    manager: Manager,
    session: ScopedSession,
    response: Response,
) -> LeadBatchRead:
    """更正一批线索的名称、时限和要求。

    只改提交的项；时限改后，尚未反馈的各条随之改变，不再逾期的，逾期提醒随即关闭（M2.6）。
    """
    batch = await batch_corrections.correct_batch(
        session, manager, batch_id, correction, version=version
    )
    response.headers["ETag"] = f'"{batch.version}"'
    return shown_batch(batch)


@router.post("/lead-batches/{batch_id}/discard", responses=writes(*_OF_A_BATCH, *_TAKING_BACK))
async def discard_lead_batch(
    batch_id: UUID,
    discard: LeadBatchDiscard,
    version: IfMatch,
    manager: Manager,
    session: ScopedSession,
    response: Response,
) -> LeadBatchRead:
    """作废登记有误的一批线索。

    其中任何一条已有联系、答复、结论、移交的，不能作废，并告知有几条。作废后各条不再列出、不再催办、
    不再参与比对；该批按编号仍可查看，其批次号可重新登记（M2.6）。
    """
    batch = await discarding.discard_batch(session, manager, batch_id, discard, version=version)
    response.headers["ETag"] = f'"{batch.version}"'
    return shown_batch(batch)


@router.patch("/leads/{lead_id}", responses=writes(*_OF_A_LEAD, LeadNotSo))
async def correct_lead(
    lead_id: UUID,
    correction: LeadCorrect,
    version: IfMatch,
    manager: Manager,
    session: ScopedSession,
    response: Response,
) -> LeadRead:
    """更正一条线索所载的内容。

    只改提交的项，须说明原因，改前的内容留存。尚未作出结论的，重新对应居民、重新查重；人工确认的对应和
    分派不变，系统分派的在有人联系之前重新分派。结论已审核的不能更正（M2.6）。
    """
    lead = await correcting.correct_lead(session, manager, lead_id, correction, version=version)
    response.headers["ETag"] = f'"{lead.version}"'
    return shown_lead(session, lead)


@router.post("/leads/{lead_id}/discard", responses=writes(*_OF_A_LEAD, *_TAKING_BACK))
async def discard_lead(
    lead_id: UUID,
    discard: LeadDiscard,
    version: IfMatch,
    manager: Manager,
    session: ScopedSession,
    response: Response,
) -> LeadRead:
    """作废登记有误的一条线索。

    已有联系、答复、结论、移交的不能作废。作废后不再列出、不再催办、不再参与比对，按编号仍可查看（M2.6）。
    """
    lead = await discarding.discard_lead(session, manager, lead_id, discard, version=version)
    response.headers["ETag"] = f'"{lead.version}"'
    return shown_lead(session, lead)


@router.get("/lead-batches/{batch_id}/history", responses=found())
async def read_lead_batch_history(
    batch_id: UUID, _: Reader, session: ScopedSession
) -> LeadBatchHistory:
    """查看一批线索更正前的各版内容。"""
    return await history.of_batch(session, await batch_of(session, batch_id))


@router.get("/leads/{lead_id}/history", responses=found())
async def read_lead_history(lead_id: UUID, _: Reader, session: ScopedSession) -> LeadHistory:
    """查看一条线索更正、分派、作废前的各版内容。

    已脱敏；线索在其他网格时的各版，只有管得到那里的人看得到（M2.6、M6.6）。
    """
    return await history.of_lead(session, await lead_of(session, lead_id))
