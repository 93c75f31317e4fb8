"""Leads that other systems deliver, sent again at will, and what became of their own."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.colleagues import NotAColleague
from api.clients.caller import (
    ClientClaims,
    ClientSession,
    client_permits,
    client_room,
    client_writes,
)
from api.clients.scopes import Scope
from api.foundation.contract import problems
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers
from api.grids.problems import GridClosed
from api.leads import delivery, fates
from api.leads.fate_schemas import DeliveredBatch, DeliveredLead, LeadFate
from api.leads.problems import LeadBatchAlreadyEntered
from api.leads.schemas import LeadDelivery
from api.leads.shown import LeadsReceived

router = client_room("leads")

Deliverer = Annotated[ClientClaims, client_permits(Scope.leads_write)]

_REFUSES = (NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague)


@router.post(
    "/inbound/lead-batches",
    status_code=201,
    responses={
        200: {"model": LeadsReceived, "description": "该批此前已登记，线索逐条见结果"},
        **client_writes(*_REFUSES, GridClosed, LeadBatchAlreadyEntered),
    },
)
async def deliver_leads(
    sent: LeadDelivery, deliverer: Deliverer, session: ClientSession, response: Response
) -> LeadsReceived:
    """第三方系统报送一批线索。

    批次和线索一次报送，最多 1000 条，逐条给出结果；更多的分次报送，每次带同一批次（M2.6、M6.4）。
    重发不会重复。对应到居民、查重、分派与人工填入的相同，结果不含本地居民的信息。
    乡镇已将该批作废的，`batch` 写明何时、为何作废，不再收新的线索；须重报的另用编号。
    """
    received, created = await delivery.deliver(session, deliverer, sent)
    response.status_code = 201 if created else 200
    return received


@router.get("/inbound/lead-batches/{batch_id}", responses=problems(NotFound))
async def read_delivered_batch(
    batch_id: UUID, deliverer: Deliverer, session: ClientSession
) -> DeliveredBatch:
    """第三方系统查看自己报送的一批线索。

    各条去向的条数、是否办结；只含本系统报送的线索（M2.6、M6.4）。
    """
    return await fates.delivered_batch(session, deliverer, batch_id)


@router.get("/inbound/lead-batches/{batch_id}/leads", responses=problems(NotFound))
async def list_delivered_leads(
    batch_id: UUID,
    deliverer: Deliverer,
    session: ClientSession,
    page: Annotated[PageRequest, Depends(page_request)],
    fate: Annotated[LeadFate | None, Query(description="只列这一去向的")] = None,
) -> Page[DeliveredLead]:
    """第三方系统逐条查看自己报送的线索的去向，先报送的在前。

    接收、核查中、已反馈的结论、移交外地及其回执；结论在反馈之后才有，不含本地居民的信息（M2.6、M6.4）。
    """
    return await fates.delivered_leads(session, deliverer, batch_id, fate, page)
