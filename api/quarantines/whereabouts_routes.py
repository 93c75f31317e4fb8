"""Whereabouts over HTTP: noted by whoever is on duty, read as dated entries."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.quarantines import whereabouts
from api.quarantines.masked import shown_whereabouts
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder
from api.quarantines.schemas import WhereaboutsRead, WhereaboutsRecord

router = room("quarantines")

WhereaboutsReader = Annotated[Claims, permits(Permission.quarantines_read)]
WhereaboutsRecorder = Annotated[Claims, permits(Permission.readings_record)]

_AGAIN = "同一编号、同一内容此前已提交"


@router.post(
    "/quarantines/{quarantine_id}/whereabouts",
    status_code=201,
    response_model=WhereaboutsRead,
    responses={
        200: {"model": WhereaboutsRead, "description": _AGAIN},
        **writes(
            NotFound,
            RecordDiffers,
            RecordedInTheFuture,
            NotAColleague,
            QuarantineEnded,
            WhereaboutsOutOfOrder,
        ),
    },
)
async def record_whereabouts(
    quarantine_id: UUID,
    entry: WhereaboutsRecord,
    recorder: WhereaboutsRecorder,
    session: ScopedSession,
    response: Response,
) -> WhereaboutsRead:
    """登记去向。

    前一条到此结束，各条首尾相接。包保人员可登记所见；批准外出须有管理隔离的权限（M3.4）。
    """
    kept, created = await whereabouts.record_whereabouts(session, recorder, quarantine_id, entry)
    location = f"/v1/quarantines/{quarantine_id}/whereabouts"
    tell_created(response, location, version=kept.version, created=created)
    return shown_whereabouts(session, kept)


@router.get(
    "/quarantines/{quarantine_id}/whereabouts",
    response_model=list[WhereaboutsRead],
    responses=found(),
)
async def list_whereabouts(
    quarantine_id: UUID, _: WhereaboutsReader, session: ScopedSession
) -> list[WhereaboutsRead]:
    """列出一人的去向。

    由新到旧；现在的去向没有结束时间（M3.4）。
    """
    entries = await whereabouts.entries_of(session, quarantine_id)
    return [shown_whereabouts(session, entry) for entry in entries]
