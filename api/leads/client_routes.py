"""Leads that other systems deliver: a batch and its people in one call, sent again at will."""

from typing import Annotated

from fastapi import Response

from api.access.colleagues import NotAColleague
from api.clients.caller import (
    ClientClaims,
    ClientSession,
    client_permits,
    client_room,
    client_writes,
)
from api.clients.scopes import Scope
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import NotFound, RecordDiffers
from api.grids.problems import GridClosed
from api.leads import delivery
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
        200: {"model": LeadsReceived, "description": "该批此前已登记,线索逐条见结果"},
        **client_writes(*_REFUSES, GridClosed, LeadBatchAlreadyEntered),
    },
)
async def deliver_leads(
    sent: LeadDelivery, deliverer: Deliverer, session: ClientSession, response: Response
) -> LeadsReceived:
    """第三方系统报送一批线索。

    批次和线索一次报送,最多 1000 条,逐条给出结果;更多的分次报送,每次带同一批次(M2.6、M6.4)。
    重发不会重复。对应到居民、查重、分派与人工填入的相同,结果不含本地居民的信息。
    乡镇已将该批作废的,`batch` 写明何时、为何作废,不再收新的线索;须重报的另用编号。
    """
    received, created = await delivery.deliver(session, deliverer, sent)
    response.status_code = 201 if created else 200
    return received
