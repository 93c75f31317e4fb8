"""Temperatures over HTTP."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.access.caller import ScopedSession, bare_door, enters, permits
from api.access.colleagues import NotAColleague
from api.access.hot import HotRoute
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.protocols.problems import UnknownWindow
from api.protocols.routes import Policies
from api.readings import corrections, lists, missing, queries, rounds, service, sheet
from api.readings.batches import Counter, Desk
from api.readings.missing_schemas import MissingCounts, MissingRead
from api.readings.problems import (
    ImplausibleValue,
    QuarantineNotRunning,
    ReadingDiscarded,
    WindowAlreadyMeasured,
)
from api.readings.round_schemas import RoundOutcome, RoundRecord
from api.readings.schemas import (
    NoteRevealAsk,
    NoteRevealed,
    ReadingCorrect,
    ReadingDiscard,
    ReadingHistory,
    ReadingRead,
    ReadingRecord,
)
from api.readings.sheet_schemas import TemperatureSheet

router = room("readings")
hot = room("readings", route_class=HotRoute)

ReadingRecorder = Annotated[Claims, permits(Permission.readings_record)]
ReadingReader = Annotated[Claims, permits(Permission.readings_read)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]
Paged = Annotated[PageRequest, Depends(page_request)]

_JUDGED = (ImplausibleValue, UnknownWindow, QuarantineNotRunning, WindowAlreadyMeasured)
_RECORDING = (NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague, *_JUDGED)
_AGAIN = {"description": "同一编号、同一内容此前已提交"}


class AtDesk:
    """Opens the desk of an admitted caller."""

    def __init__(self, request: Request, caller: Claims) -> None:
        self._state, self._caller = request.app.state, caller
        self._door = bare_door(request, caller)

    async def __aenter__(self) -> Desk:
        connection = await self._door.__aenter__()
        return Desk(self._caller, connection, self._state.policies, self._state.database.keyring)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await self._door.__aexit__(kind, error, trace)


class AtCounter:
    """Opens nothing for an admitted caller: a reading enters with what keeps it."""

    def __init__(self, request: Request, caller: Claims) -> None:
        state = request.app.state
        desk = partial(AtDesk, request, caller)
        self._counter = Counter(caller, state.database, state.policies, desk)

    async def __aenter__(self) -> Counter:
        return self._counter

    async def __aexit__(self, *_: object) -> None:
        return None


RecordingCounter = Annotated[Counter, enters(AtCounter, Permission.readings_record)]
RecordingDesk = Annotated[Desk, enters(AtDesk, Permission.readings_record)]
ReadingDesk = Annotated[Desk, enters(AtDesk, Permission.readings_read)]


async def wanted_readings(
    grid_id: Annotated[UUID | None, Query(description="该网格及其下级网格的体温")] = None,
    quarantine_id: Annotated[UUID | None, Query(description="该隔离人员的体温")] = None,
    day: Annotated[Day | None, Query(description="该日的体温")] = None,
    abnormal: Annotated[bool | None, Query(description="true 只列异常，false 只列正常")] = None,
) -> lists.Wanted:
    if grid_id is None and quarantine_id is None and day is None:
        day = clock.today()
    return lists.Wanted(grid_id, quarantine_id, day, abnormal)


async def day_wanted(
    grid_id: Annotated[
        UUID | None, Query(description="该网格（含下级）；不填则为所有可见的")
    ] = None,
    day: Annotated[Day | None, Query(description="哪一日；不填则为今天")] = None,
) -> missing.Day:
    return missing.Day(day or clock.today(), grid_id)


DayWanted = Annotated[missing.Day, Depends(day_wanted)]


@hot.post(
    "/readings",
    status_code=201,
    response_model=ReadingRead,
    responses={200: {"model": ReadingRead, **_AGAIN}, **writes(*_RECORDING)},
)
async def record_reading(
    reading: ReadingRecord, counter: RecordingCounter, response: Response
) -> ReadingRead:
    """登记一次体温。

    时段按测量时间和该隔离人员的测温规则判断，也可指明；每人每日每时段一条，要更改请修改原记录（M3.3）。
    达到发热界限或有任何症状即为异常（M3.5）；不合理的体温不予保存，请重新测量。
    """
    kept, created = await service.record_reading(counter, reading)
    tell_created(response, f"/v1/readings/{reading.id}", version=kept["version"], created=created)
    return ReadingRead.of(kept)


@hot.post("/rounds", response_model=RoundOutcome, responses=writes(NotFound, RecordedInTheFuture))
async def record_round(told: RoundRecord, desk: RecordingDesk) -> RoundOutcome:
    """登记一整轮体温。

    “全部正常”一次填完，另列体温异常或没有测成的人员；也可逐条填写，合计最多 500 人（M5.6）。
    每人各有结果，一人有误不影响他人；同一轮重复提交只算一轮。
    """
    return await rounds.record_round(desk, told)


@router.get("/readings", response_model=Page[ReadingRead])
async def list_readings(
    desk: ReadingDesk,
    wanted: Annotated[lists.Wanted, Depends(wanted_readings)],
    page: Paged,
) -> Response:
    """列出体温，新的在前。

    不限定网格、隔离人员和日期时，只列今天的。已作废的不列出。
    """
    body = await lists.page_of(desk.connection, wanted, page)
    return Response(body, media_type="application/json")


@router.get("/readings/missing", response_model=Page[MissingRead], responses=found())
async def list_missing_readings(desk: ReadingDesk, of: DayWanted, page: Paged) -> Page[MissingRead]:
    """列出还没有测的人和时段。

    只列已开始的时段：时段未结束的为待测，已结束的为超时未测，仍可补测（M3.3）。
    按时段结束的先后排列，同一时段按门户排列。
    """
    return await missing.missing_page(desk, of, page)


@router.get("/readings/missing/counts", response_model=MissingCounts, responses=found())
async def count_missing_readings(desk: ReadingDesk, of: DayWanted) -> MissingCounts:
    """按网格和时段统计应测、已测、待测和超时未测的人次。"""
    return await missing.missing_counts(desk, of)


@router.get("/readings/{reading_id}", response_model=ReadingRead, responses=found())
async def read_reading(reading_id: UUID, desk: ReadingDesk, response: Response) -> ReadingRead:
    """查看一条体温。"""
    row = await queries.reading_of(desk.connection, reading_id)
    response.headers["ETag"] = f'"{row["version"]}"'
    return ReadingRead.of(row)


@router.get("/readings/{reading_id}/history", response_model=ReadingHistory, responses=found())
async def read_reading_history(reading_id: UUID, desk: ReadingDesk) -> ReadingHistory:
    """查看一条体温更改前的内容。

    新的在前，各有更改人、时间和理由。
    """
    await queries.reading_of(desk.connection, reading_id)
    return ReadingHistory.of(await queries.history(desk.connection, reading_id))


@router.patch(
    "/readings/{reading_id}",
    response_model=ReadingRead,
    responses=writes(*_RECORDING, ReadingDiscarded, VersionMissing, VersionMismatch),
)
async def correct_reading(  # noqa: PLR0913, PLR0917 - what a correction needs
    reading_id: UUID,
    correction: ReadingCorrect,
    recorder: ReadingRecorder,
    session: ScopedSession,
    policies: Policies,
    version: IfMatch,
    response: Response,
) -> ReadingRead:
    """修改一条体温。

    只填要改的项目和理由；改后重新判断时段和是否异常，改前的内容留存。
    """
    kept = await corrections.correct_reading(
        session, recorder, reading_id, correction, version=version, policies=policies
    )
    response.headers["ETag"] = f'"{kept.version}"'
    return ReadingRead.of(kept.model_dump())


@router.post(
    "/readings/{reading_id}/discard", response_model=ReadingRead, responses=writes(NotFound)
)
async def discard_reading(
    reading_id: UUID, discard: ReadingDiscard, recorder: ReadingRecorder, session: ScopedSession
) -> ReadingRead:
    """作废一条体温。

    作废后该时段重新列为未测；内容留存可查，须说明理由。
    """
    kept = await corrections.discard_reading(session, recorder, reading_id, reason=discard.reason)
    return ReadingRead.of(kept.model_dump())


@router.post(
    "/readings/{reading_id}/reveal", response_model=NoteRevealed, responses=writes(NotFound)
)
async def reveal_reading_note(
    reading_id: UUID, ask: NoteRevealAsk, reader: Revealer, session: ScopedSession
) -> NoteRevealed:
    """查看一条体温的备注。

    须说明理由，查看将被记录（M6.6）。
    """
    note = await corrections.reveal_note(session, reader, reading_id, reason=ask.reason)
    return NoteRevealed(id=reading_id, note=note)


@router.get(
    "/quarantines/{quarantine_id}/temperature-sheet",
    response_model=TemperatureSheet,
    responses=found(),
)
async def read_temperature_sheet(
    quarantine_id: UUID, reader: ReadingReader, session: ScopedSession, policies: Policies
) -> TemperatureSheet:
    """查看一人的体温记录单。

    与纸质记录单相同：一日一行，一时段一列，从开始隔离到结束或今天。
    """
    return await sheet.temperature_sheet(
        session, quarantine_id, cell=reader.cell, policies=policies
    )
