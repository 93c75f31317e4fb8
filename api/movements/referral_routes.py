"""Referrals to a hospital over HTTP: sent, and what came of it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.movements import queries, referrals
from api.movements.problems import ReferralUnderWay
from api.movements.referral_schemas import ReferralRead, ReferralRecord, ReferralReturn
from api.movements.transfer_routes import Filters
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder

router = room("movements")

ReferralReader = Annotated[Claims, permits(Permission.quarantines_read)]
ReferralRecorder = Annotated[Claims, permits(Permission.readings_record)]
Paged = Annotated[PageRequest, Depends(page_request)]

_STEP = (NotFound, RecordDiffers, RecordedInTheFuture, QuarantineEnded, WhereaboutsOutOfOrder)


@router.post(
    "/quarantines/{quarantine_id}/hospital-referrals",
    status_code=201,
    response_model=ReferralRead,
    responses={
        200: {"model": ReferralRead, "description": "同一编号、同一内容此前已提交"},
        **writes(*_STEP, ReferralUnderWay, NotAColleague),
    },
)
async def refer_to_hospital(
    quarantine_id: UUID,
    referral: ReferralRecord,
    recorder: ReferralRecorder,
    session: ScopedSession,
    response: Response,
) -> ReferralRead:
    """登记一次送医。

    去向随即变为送医收治（M3.4）。
    """
    kept, created = await referrals.refer_to_hospital(session, recorder, quarantine_id, referral)
    location = f"/v1/hospital-referrals/{kept.id}"
    tell_created(response, location, version=kept.version, created=created)
    return await queries.shown_referral(session, kept)


@router.get("/hospital-referrals", response_model=Page[ReferralRead], responses=found())
async def list_hospital_referrals(
    _: ReferralReader, session: ScopedSession, filters: Filters, page: Paged
) -> Page[ReferralRead]:
    """列出送医记录，新的在前。

    本网格范围内的，以及本人参与包保的（M3.4）。
    """
    return await queries.page_of_referrals(session, filters, page)


@router.get("/hospital-referrals/{referral_id}", response_model=ReferralRead, responses=found())
async def read_hospital_referral(
    referral_id: UUID, _: ReferralReader, session: ScopedSession
) -> ReferralRead:
    """查看一次送医。"""
    referral = await referrals.referral_of(session, referral_id)
    return await queries.shown_referral(session, referral)


@router.post(
    "/hospital-referrals/{referral_id}/return",
    response_model=ReferralRead,
    responses=writes(*_STEP),
)
async def end_hospital_referral(
    referral_id: UUID,
    ending: ReferralReturn,
    recorder: ReferralRecorder,
    session: ScopedSession,
) -> ReferralRead:
    """登记送医的结果。

    返回的继续隔离；收治、确诊的随即终止隔离，须有管理隔离的权限（domain 3.7）。
    """
    referral = await referrals.end_referral(session, recorder, referral_id, ending)
    return await queries.shown_referral(session, referral)
