"""Verifying leads over HTTP: attempts, answers, outcome, review, transfer, feedback, progress."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.arrivals.problems import AlreadyAnArrival, RegisteredElsewhere
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import Conflict, NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.leads import progress, reviewing, transferring, verification, verifying
from api.leads.feedback_sheet import sheet_of
from api.leads.feedback_table import feedback_table
from api.leads.masked import shown_lead
from api.leads.problems import (
    LeadBatchDiscarded,
    LeadDiscarded,
    LeadNotReady,
    LeadNotSo,
    NothingToFeedBack,
    TransferAnswered,
)
from api.leads.queries import batch_of, lead_of
from api.leads.shown import LeadRead
from api.leads.verification_schemas import (
    FeedbackTable,
    LeadAnswerRead,
    LeadAnswerRecord,
    LeadAttemptRead,
    LeadAttemptRecord,
    LeadConclusion,
    LeadFeedbackRead,
    LeadFeedbackRecord,
    LeadProgress,
    LeadReceipt,
    LeadReview,
    LeadTransferRead,
    LeadTransferRecord,
    LeadVerification,
)
from api.protocols.problems import NoPolicyInForce
from api.quarantines.problems import (
    AlreadyInQuarantine,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
from api.registry.problems import HouseholdLeft, ResidentLeft

router = room("leads")

Reader = Annotated[Claims, permits(Permission.leads_read)]
Verifier = Annotated[Claims, permits(Permission.leads_verify)]
Manager = Annotated[Claims, permits(Permission.leads_manage)]

_AGAIN = "同一编号、同一内容此前已提交"
_TELLS = (
    NotFound,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    LeadDiscarded,
    LeadNotSo,
)
_CONTROL = (
    AlreadyAnArrival,
    RegisteredElsewhere,
    HouseholdLeft,
    AlreadyInQuarantine,
    ResidentLeft,
    NoPolicyInForce,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
    NotAColleague,
    RecordDiffers,
    RecordedInTheFuture,
    Conflict,
)
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_XLSX: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "反馈表",
        "content": {_SHEET: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/leads/{lead_id}/attempts",
    status_code=201,
    responses={200: {"model": LeadAttemptRead, "description": _AGAIN}, **writes(*_TELLS)},
)
async def record_lead_attempt(
    lead_id: UUID,
    attempt: LeadAttemptRecord,
    verifier: Verifier,
    session: ScopedSession,
    response: Response,
) -> LeadAttemptRead:
    """登记一次联系。

    电话或上门，联系到没有；没联系到的也登记，作为“无法联系”的依据（M2.6）。
    """
    kept, created = await verifying.record_attempt(session, verifier, lead_id, attempt)
    address = f"/v1/leads/{lead_id}/verification"
    tell_created(response, address, version=kept.version, created=created)
    return verification.shown_attempt(session, kept)


@router.post(
    "/leads/{lead_id}/answers",
    status_code=201,
    responses={200: {"model": LeadAnswerRead, "description": _AGAIN}, **writes(*_TELLS)},
)
async def record_lead_answer(
    lead_id: UUID,
    answer: LeadAnswerRecord,
    verifier: Verifier,
    session: ScopedSession,
    response: Response,
) -> LeadAnswerRead:
    """登记四项答复中的一项。

    行程卡、健康码、核酸检测、疫苗接种；已对应到居民并出示的，同时记入其健康记录，不必另行登记（M2.6）。
    """
    kept, created = await verifying.record_answer(session, verifier, lead_id, answer)
    address = f"/v1/leads/{lead_id}/verification"
    tell_created(response, address, version=kept.version, created=created)
    return LeadAnswerRead.model_validate(kept)


@router.get("/leads/{lead_id}/verification", responses=found())
async def read_lead_verification(
    lead_id: UUID, _: Reader, session: ScopedSession
) -> LeadVerification:
    """查看一条线索的核查过程。"""
    return await verification.of_lead(session, await lead_of(session, lead_id))


@router.post(
    "/leads/{lead_id}/conclude",
    responses=writes(NotFound, LeadDiscarded, LeadNotSo, LeadNotReady, *_CONTROL),
)
async def conclude_lead(
    lead_id: UUID, conclusion: LeadConclusion, verifier: Verifier, session: ScopedSession
) -> LeadRead:
    """作出核查结论。

    每种结论有其须完成的核查，缺什么会列明；应管控的，可随即登记返（来）乡或开始隔离，线索所载的
    事实一并带入，要么全部办成，要么都不办（M2.6）。其后由他人审核。
    """
    concluded = await verifying.conclude(session, verifier, lead_id, conclusion)
    return shown_lead(session, concluded)


@router.post(
    "/leads/{lead_id}/review",
    responses=writes(NotFound, LeadDiscarded, LeadNotSo, NeedsAnotherPerson),
)
async def review_lead(
    lead_id: UUID, review: LeadReview, manager: Manager, session: ScopedSession
) -> LeadRead:
    """审核一条线索的结论。

    由作出结论以外的人办理；退回的须写明理由，重新核查，已通过的在反馈前也可退回（M2.6）。
    """
    return shown_lead(session, await reviewing.review(session, manager, lead_id, review))


@router.post(
    "/leads/{lead_id}/transfers",
    status_code=201,
    responses={
        200: {"model": LeadTransferRead, "description": _AGAIN},
        **writes(NotFound, LeadDiscarded, LeadNotSo, NeedsAnotherPerson, RecordDiffers),
    },
)
async def transfer_lead(
    lead_id: UUID,
    transfer: LeadTransferRecord,
    manager: Manager,
    session: ScopedSession,
    response: Response,
) -> LeadTransferRead:
    """把不在本辖区的线索移交给其他乡镇。

    对方也使用本系统的，自动送达并带回回执；否则收到回执后登记（M2.6）。尚未审核的，移交即为审核，
    由作出结论以外的人办理。
    """
    kept, created = await transferring.transfer(session, manager, lead_id, transfer)
    address = f"/v1/lead-transfers/{kept.id}"
    tell_created(response, address, version=kept.version, created=created)
    return LeadTransferRead.model_validate(kept)


@router.get("/lead-transfers/{lead_transfer_id}", responses=found())
async def read_lead_transfer(
    lead_transfer_id: UUID, _: Reader, session: ScopedSession
) -> LeadTransferRead:
    """查看一次移交和回执。"""
    kept = await transferring.transfer_of(session, lead_transfer_id)
    return LeadTransferRead.model_validate(kept)


@router.post(
    "/lead-transfers/{lead_transfer_id}/receipt", responses=writes(NotFound, TransferAnswered)
)
async def enter_lead_receipt(
    lead_transfer_id: UUID, receipt: LeadReceipt, manager: Manager, session: ScopedSession
) -> LeadTransferRead:
    """登记移交的回执。

    对方退回的，线索重新核查。
    """
    kept = await transferring.answer(session, manager, lead_transfer_id, receipt)
    return LeadTransferRead.model_validate(kept)


@router.get("/lead-batches/{batch_id}/feedback", responses=found())
async def read_feedback_table(batch_id: UUID, _: Reader, session: ScopedSession) -> FeedbackTable:
    """查看一批线索的反馈表。

    各结论多少条，并按来处分列；移交外地的另列接收乡镇和回执（M2.6）。
    """
    return await feedback_table(session, await batch_of(session, batch_id))


@router.get(
    "/lead-batches/{batch_id}/feedback.xlsx",
    response_class=Response,
    responses={**_XLSX, **found()},
)
async def print_feedback_table(batch_id: UUID, _: Reader, session: ScopedSession) -> Response:
    """下载一批线索的反馈表（Excel）。"""
    table = await feedback_table(session, await batch_of(session, batch_id))
    return Response(await asyncio.to_thread(sheet_of, table), media_type=_SHEET)


@router.post(
    "/lead-batches/{batch_id}/feedback",
    status_code=201,
    responses={
        200: {"model": LeadFeedbackRead, "description": _AGAIN},
        **writes(NotFound, LeadBatchDiscarded, NothingToFeedBack, RecordDiffers),
    },
)
async def feed_back_batch(
    batch_id: UUID,
    feedback: LeadFeedbackRecord,
    manager: Manager,
    session: ScopedSession,
    response: Response,
) -> LeadFeedbackRead:
    """向下发单位反馈已审核的、外地已接收的线索。

    可分次反馈；移交外地的，对方接收后随下一次反馈。全部反馈后该批办结，逾期反馈的会标明（M2.6）。
    """
    kept, created = await reviewing.feed_back(session, manager, batch_id, feedback)
    tell_created(response, f"/v1/lead-batches/{batch_id}/feedback", version=1, created=created)
    return kept


@router.get("/lead-progress", responses=found())
async def read_lead_progress(
    reader: Reader,
    session: ScopedSession,
    batch_id: Annotated[UUID | None, Query(description="只计该批")] = None,
    grid_id: Annotated[UUID | None, Query(description="查看该网格；不填为登录人所在网格")] = None,
) -> LeadProgress:
    """查看线索的进度：接收、核查中、已完成、逾期，及各下级网格。"""
    return await progress.progress(session, reader, batch_id=batch_id, grid_id=grid_id)
