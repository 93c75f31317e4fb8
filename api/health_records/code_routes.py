"""Health codes and travel cards over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.health_records import lists, seen_on_phones
from api.health_records.code_schemas import (
    CodeStateBatch,
    CodeStateRead,
    CodeStateRecord,
    RecordDiscard,
    SystemCode,
    TravelCardBatch,
    TravelCardRead,
    TravelCardRecord,
)
from api.health_records.keeping import Discarding, record_of
from api.health_records.models import CardColour, CodeState, HealthCodeState, TravelCard
from api.health_records.problems import HealthRecordDiscarded

router = room("health_records")

Recorder = Annotated[Claims, permits(Permission.health_records_record)]
Reader = Annotated[Claims, permits(Permission.health_records_read)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfGrid = Annotated[UUID | None, Query(description="只看该网格及其下级网格的")]
OfResident = Annotated[UUID | None, Query(description="只看该居民的")]
Discarded = Annotated[bool, Query(description="true 为只看已作废的")]

KEPT = "同一编号、同一内容此前已提交"
SAYING = (NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague)
DISCARDING = (NotFound, HealthRecordDiscarded, VersionMissing, VersionMismatch)


async def wanted_code_states(
    grid_id: OfGrid = None,
    resident_id: OfResident = None,
    system: Annotated[SystemCode | None, Query(description="只看该健康码系统的")] = None,
    state: Annotated[CodeState | None, Query(description="只看这一状态的")] = None,
    current: Annotated[bool, Query(description="true 为只看各系统最新的状态")] = False,
    discarded: Discarded = False,
) -> lists.CodeStatesWanted:
    return lists.CodeStatesWanted(
        grid_id=grid_id,
        resident_id=resident_id,
        system=system,
        state=state,
        current=current,
        discarded=discarded,
    )


@router.post(
    "/code-states",
    status_code=201,
    responses={200: {"model": CodeStateRead, "description": KEPT}, **writes(*SAYING)},
)
async def record_code_state(
    state: CodeStateRecord, recorder: Recorder, session: ScopedSession, response: Response
) -> CodeStateRead:
    """登记当面看到的健康码。

    各次状态都留存，以成为该状态的时间定先后；红码同时上报异常，转为绿码不会关闭异常（M2.7）。
    """
    kept, created = await seen_on_phones.record_code_state(session, recorder, state)
    tell_created(response, f"/v1/code-states/{kept.id}", version=kept.version, created=created)
    return lists.present_code_state(session, kept)


@router.post("/code-states/batch", responses=writes())
async def record_code_states(
    batch: CodeStateBatch, recorder: Recorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多人的健康码。

    最多 500 条，逐条给出结果，一条有误不影响其他各条；整批重发不会重复登记。
    """
    items = read_or_unread(batch.items)
    return await seen_on_phones.record_code_states(session, recorder, items)


@router.get("/code-states")
async def list_code_states(
    _: Reader,
    session: ScopedSession,
    wanted: Annotated[lists.CodeStatesWanted, Depends(wanted_code_states)],
    page: Paged,
) -> Page[CodeStateRead]:
    """列出健康码的各次状态，最近查得的在前。

    各条件可同时使用；以 `resident_id` 查看一人的全部经过，以 `current=true` 只看现状。
    """
    return await lists.code_states(session, wanted, page)


@router.get("/code-states/{state_id}", responses=found())
async def read_code_state(
    state_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> CodeStateRead:
    """查看健康码的一次状态。"""
    row = await record_of(session, HealthCodeState, state_id)
    response.headers["ETag"] = f'"{row.version}"'
    return lists.present_code_state(session, row)


@router.post("/code-states/{state_id}/discard", responses=writes(*DISCARDING))
async def discard_code_state(
    state_id: UUID,
    discard: RecordDiscard,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> CodeStateRead:
    """作废健康码的一次状态。

    作废后不再计入，内容留存可查，须说明理由；已上报的异常仍须有人核实关闭。
    """
    why = Discarding(version, discard.reason)
    row = await seen_on_phones.discard_code_state(session, recorder, state_id, why)
    response.headers["ETag"] = f'"{row.version}"'
    return lists.present_code_state(session, row)


async def wanted_travel_cards(
    grid_id: OfGrid = None,
    resident_id: OfResident = None,
    colour: Annotated[CardColour | None, Query(description="只看这一颜色的")] = None,
    day: Annotated[Day | None, Query(description="当地这一天看到的")] = None,
    discarded: Discarded = False,
) -> lists.TravelCardsWanted:
    return lists.TravelCardsWanted(
        grid_id=grid_id, resident_id=resident_id, colour=colour, day=day, discarded=discarded
    )


@router.post(
    "/travel-cards",
    status_code=201,
    responses={200: {"model": TravelCardRead, "description": KEPT}, **writes(*SAYING)},
)
async def record_travel_card(
    card: TravelCardRecord, recorder: Recorder, session: ScopedSession, response: Response
) -> TravelCardRead:
    """登记当面看到的行程卡。

    填写行政区划代码的，须在行政区划名单内；是否仍须查验、显示几天，由当日施行的有效期规则确定。
    """
    kept, created = await seen_on_phones.record_travel_card(session, recorder, card)
    tell_created(response, f"/v1/travel-cards/{kept.id}", version=kept.version, created=created)
    return lists.present_travel_card(kept)


@router.post("/travel-cards/batch", responses=writes())
async def record_travel_cards(
    batch: TravelCardBatch, recorder: Recorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多人的行程卡。

    最多 500 条，逐条给出结果，一条有误不影响其他各条；整批重发不会重复登记。
    """
    items = read_or_unread(batch.items)
    return await seen_on_phones.record_travel_cards(session, recorder, items)


@router.get("/travel-cards")
async def list_travel_cards(
    _: Reader,
    session: ScopedSession,
    wanted: Annotated[lists.TravelCardsWanted, Depends(wanted_travel_cards)],
    page: Paged,
) -> Page[TravelCardRead]:
    """列出行程卡，最近看到的在前。"""
    return await lists.travel_cards(session, wanted, page)


@router.get("/travel-cards/{card_id}", responses=found())
async def read_travel_card(
    card_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> TravelCardRead:
    """查看一次行程卡。"""
    row = await record_of(session, TravelCard, card_id)
    response.headers["ETag"] = f'"{row.version}"'
    return lists.present_travel_card(row)


@router.post("/travel-cards/{card_id}/discard", responses=writes(*DISCARDING))
async def discard_travel_card(
    card_id: UUID,
    discard: RecordDiscard,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> TravelCardRead:
    """作废一次行程卡。

    作废后不再计入，内容留存可查，须说明理由。
    """
    why = Discarding(version, discard.reason)
    row = await seen_on_phones.discard_travel_card(session, recorder, card_id, why)
    response.headers["ETag"] = f'"{row.version}"'
    return lists.present_travel_card(row)
