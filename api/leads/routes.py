"""Leads over HTTP: batches entered, leads received, matched, given to grids, listed, revealed."""

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
from api.foundation.fields import ShortText
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import BatchOutcome, tell_created
from api.grids.problems import GridClosed
from api.leads import assigning, batches, confirming, queries, receiving
from api.leads.masked import shown_batch, shown_batches, shown_file, shown_lead, shown_leads
from api.leads.models import LeadOutcome, LeadStatus
from api.leads.problems import (
    GridOutsideBatch,
    LeadBatchAlreadyEntered,
    LeadBatchClosed,
    LeadBatchDiscarded,
    LeadDiscarded,
    LeadNotSo,
)
from api.leads.schemas import (
    LeadAssign,
    LeadBatchRecord,
    LeadDuplicate,
    LeadItems,
    LeadMatch,
    LeadRecord,
    LeadsAssign,
)
from api.leads.shown import LeadBatchRead, LeadFile, LeadRead, LeadReveal, LeadRevealed

router = room("leads")

Reader = Annotated[Claims, permits(Permission.leads_read)]
Verifier = Annotated[Claims, permits(Permission.leads_verify)]
Manager = Annotated[Claims, permits(Permission.leads_manage)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]
Paged = Annotated[PageRequest, Depends(page_request)]

_AGAIN = "同一编号、同一内容此前已提交"
_TELLS = (NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague)


async def batch_filter(
    issuer: Annotated[ShortText | None, Query(description="只列该单位下发的")] = None,
    closed: Annotated[bool | None, Query(description="是否全部反馈")] = None,
    late: Annotated[bool | None, Query(description="是否逾期")] = None,
    discarded: Annotated[bool, Query(description="true 为只看已作废的")] = False,
) -> queries.BatchFilter:
    return queries.BatchFilter(issuer=issuer, closed=closed, late=late, discarded=discarded)


async def lead_filter(  # noqa: PLR0913, PLR0917 - each filter is a parameter of its own
    batch_id: Annotated[UUID | None, Query(description="只列该批的")] = None,
    grid_id: Annotated[UUID | None, Query(description="只列该网格及其下级网格的")] = None,
    resident_id: Annotated[UUID | None, Query(description="只列该居民的")] = None,
    status: Annotated[LeadStatus | None, Query(description="只列这一状态的")] = None,
    outcome: Annotated[LeadOutcome | None, Query(description="只列这一结论的")] = None,
    late: Annotated[bool | None, Query(description="是否逾期")] = None,
    matched: Annotated[bool | None, Query(description="是否已对应到居民")] = None,
    assigned: Annotated[bool | None, Query(description="是否已分派到网格")] = None,
    duplicate: Annotated[bool | None, Query(description="是否与此前的线索疑似或确为重复")] = None,
    discarded: Annotated[bool, Query(description="true 为只看已作废的")] = False,
) -> queries.LeadFilter:
    return queries.LeadFilter(
        batch_id=batch_id,
        grid_id=grid_id,
        resident_id=resident_id,
        status=status,
        outcome=outcome,
        late=late,
        matched=matched,
        assigned=assigned,
        duplicate=duplicate,
        discarded=discarded,
    )


@router.post(
    "/lead-batches",
    status_code=201,
    responses={
        200: {"model": LeadBatchRead, "description": _AGAIN},
        **writes(*_TELLS, GridClosed, LeadBatchAlreadyEntered),
    },
)
async def record_lead_batch(
    batch: LeadBatchRecord, manager: Manager, session: ScopedSession, response: Response
) -> LeadBatchRead:
    """登记上级下发的一批线索。

    写明下发单位、批次号、反馈时限和核查要求（M2.6）；线索随后逐条、整批或用表格填入。
    """
    kept, created = await batches.record_batch(session, manager, batch)
    tell_created(response, f"/v1/lead-batches/{kept.id}", version=kept.version, created=created)
    return shown_batch(kept)


@router.get("/lead-batches", responses=found())
async def list_lead_batches(
    _: Reader,
    session: ScopedSession,
    page: Paged,
    filters: Annotated[queries.BatchFilter, Depends(batch_filter)],
) -> Page[LeadBatchRead]:
    """列出线索批次，反馈时限晚的在前。

    上级网格接收的批次，下级也看得到时限和要求（M2.6）。
    """
    return shown_batches(await queries.page_of_batches(session, filters, page))


@router.get("/lead-batches/{batch_id}", responses=found())
async def read_lead_batch(
    batch_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> LeadBatchRead:
    """查看一批线索。"""
    batch = await queries.batch_of(session, batch_id)
    response.headers["ETag"] = f'"{batch.version}"'
    return shown_batch(batch)


@router.post(
    "/lead-batches/{batch_id}/leads",
    status_code=201,
    responses={
        200: {"model": LeadRead, "description": _AGAIN},
        **writes(*_TELLS, LeadBatchClosed, LeadBatchDiscarded),
    },
)
async def receive_lead(
    batch_id: UUID, lead: LeadRecord, manager: Manager, session: ScopedSession, response: Response
) -> LeadRead:
    """在一批中填入一条线索。

    随即按证件号、电话对应到居民，与此前的线索比对，并按户、电话、住址分派到网格（M2.6）；
    对应不上的，列出可能的居民供人工确认，不会自动合并。
    """
    kept, created = await receiving.receive_lead(session, manager, batch_id, lead)
    tell_created(response, f"/v1/leads/{kept.id}", version=kept.version, created=created)
    return shown_lead(session, kept)


@router.post("/lead-batches/{batch_id}/leads/batch", responses=writes(NotFound))
async def receive_leads(
    batch_id: UUID, leads: LeadItems, manager: Manager, session: ScopedSession
) -> BatchOutcome:
    """在一批中填入多条线索。

    最多 1000 条，逐条给出结果，一条有误不影响其他各条；重发不会重复（M2.6）。
    """
    items = read_or_unread(leads.items)
    return await receiving.receive_leads(session, manager, batch_id, items)


@router.post("/lead-batches/{batch_id}/assign", responses=writes(NotFound))
async def assign_leads(
    batch_id: UUID, given: LeadsAssign, manager: Manager, session: ScopedSession
) -> BatchOutcome:
    """把一批中的多条线索分派到网格。

    最多 1000 条，逐条给出结果；已在该网格的不变（M2.6）。
    """
    return await assigning.assign_leads(session, manager, batch_id, given)


@router.get("/leads", responses=found())
async def list_leads(
    _: Reader,
    session: ScopedSession,
    page: Paged,
    filters: Annotated[queries.LeadFilter, Depends(lead_filter)],
) -> Page[LeadRead]:
    """列出线索，反馈时限早的在前。

    待人工分派的为 `assigned=false`，逾期的为 `late=true`(M2.6)。
    """
    return shown_leads(session, await queries.page_of_leads(session, filters, page))


@router.get("/leads/{lead_id}", responses=found())
async def read_lead(
    lead_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> LeadFile:
    """查看一条线索。

    含所属批次、可能的居民、历次分派；证件号、电话、住址已脱敏（M2.6、M6.6）。
    """
    lead = await queries.lead_of(session, lead_id)
    response.headers["ETag"] = f'"{lead.version}"'
    return await shown_file(session, lead)


@router.post(
    "/leads/{lead_id}/assign",
    responses=writes(NotFound, GridClosed, GridOutsideBatch, LeadDiscarded, LeadNotSo),
)
async def assign_lead(
    lead_id: UUID, given: LeadAssign, manager: Manager, session: ScopedSession
) -> LeadRead:
    """把一条线索分派到网格。

    可改派，历次分派留存可查；已作出结论的不能改派（M2.6）。
    """
    return shown_lead(session, await assigning.assign_lead(session, manager, lead_id, given))


@router.post(
    "/leads/{lead_id}/match",
    responses=writes(NotFound, GridOutsideBatch, LeadDiscarded, LeadNotSo),
)
async def match_lead(
    lead_id: UUID, match: LeadMatch, verifier: Verifier, session: ScopedSession
) -> LeadRead:
    """确认线索所指的居民。

    可从提示的居民中选，也可另选；线索随之转到该居民所在的户和网格（M2.6）。
    """
    return shown_lead(session, await confirming.match_lead(session, verifier, lead_id, match))


@router.post("/leads/{lead_id}/unmatch", responses=writes(NotFound, LeadDiscarded, LeadNotSo))
async def unmatch_lead(
    lead_id: UUID, match: LeadMatch, verifier: Verifier, session: ScopedSession
) -> LeadRead:
    """排除一名居民。

    此居民不是线索所指的人；已对应到此人的，对应随之解除（M2.6）。
    """
    return shown_lead(session, await confirming.unmatch_lead(session, verifier, lead_id, match))


@router.post("/leads/{lead_id}/duplicate", responses=writes(NotFound, LeadDiscarded, LeadNotSo))
async def decide_duplicate(
    lead_id: UUID, decision: LeadDuplicate, verifier: Verifier, session: ScopedSession
) -> LeadRead:
    """确认或否定线索重复。

    两条线索各自保留，各向其下发单位反馈（M2.6）。
    """
    decided = await confirming.decide_duplicate(session, verifier, lead_id, decision)
    return shown_lead(session, decided)


@router.post("/leads/{lead_id}/reveal", responses=writes(NotFound))
async def reveal_lead(
    lead_id: UUID,
    ask: LeadReveal,
    revealer: Revealer,
    session: ScopedSession,
    response: Response,
) -> LeadRevealed:
    """查看线索的证件号、电话、住址、说明全文。

    须填写原因，谁、何时、为何查看都会记录（M6.6）。
    """
    response.headers["Cache-Control"] = "no-store"
    return await confirming.reveal_lead(session, revealer, lead_id, ask)
