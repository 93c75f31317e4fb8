"""Travel cards put right over HTTP."""

from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.records import IfMatch
from api.health_records import cards, lists
from api.health_records.code_routes import DISCARDING, Reader, Recorder
from api.health_records.code_schemas import TravelCardCorrect, TravelCardHistory, TravelCardRead
from api.health_records.keeping import record_of
from api.health_records.models import TravelCard

router = room("health_records")


@router.patch("/travel-cards/{card_id}", responses=writes(*DISCARDING, RecordedInTheFuture))
async def correct_travel_card(
    card_id: UUID,
    correction: TravelCardCorrect,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> TravelCardRead:
    """更正一次行程卡。

    只更改所填的各项，原内容留存，须写明理由；登记错人的，请作废后重新登记。
    """
    row = await cards.correct_travel_card(session, recorder, card_id, correction, version=version)
    response.headers["ETag"] = f'"{row.version}"'
    return lists.present_travel_card(row)


@router.get("/travel-cards/{card_id}/history", responses=found())
async def read_travel_card_history(
    card_id: UUID, _: Reader, session: ScopedSession
) -> TravelCardHistory:
    """查看一次行程卡更正前的各版内容。"""
    return await cards.card_history(session, await record_of(session, TravelCard, card_id))
