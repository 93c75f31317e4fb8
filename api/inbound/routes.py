"""What other systems send and ask over HTTP."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated

from fastapi import Request

from api.access.hot import HotRoute
from api.clients.caller import (
    ClientClaims,
    client_room,
    client_writes,
    enter_as_client,
    enters_client,
)
from api.clients.scopes import Scope
from api.foundation.database import Database
from api.inbound import changes, results, status
from api.inbound.desk import Desk
from api.inbound.schemas import (
    CodeChanges,
    InboundOutcome,
    SampleResults,
    StatusAnswer,
    StatusQuery,
)

router = client_room("inbound", route_class=HotRoute)


@asynccontextmanager
async def at_desk(request: Request, caller: ClientClaims) -> AsyncGenerator[Desk]:
    """The request's one transaction; also what is asked is put on record, so that it writes."""
    database: Database = request.app.state.database
    retention = timedelta(days=request.app.state.settings.held_event_days)
    entry = enter_as_client(request, caller, writing=True)
    async with database.connection(entry) as connection:
        yield Desk(caller, connection, database.keyring, retention)


AtCodes = Annotated[Desk, enters_client(at_desk, Scope.health_codes_write)]
AtResults = Annotated[Desk, enters_client(at_desk, Scope.test_results_write)]
AtStatus = Annotated[Desk, enters_client(at_desk, Scope.status_read)]


@router.post("/health-codes/changes", responses=client_writes(), response_model=InboundOutcome)
async def send_code_changes(sent: CodeChanges, desk: AtCodes) -> InboundOutcome:
    """报送健康码的变化，每次最多1000条。

    逐条答复，次序与报送相同。同一事件编号、同一内容重发不会重复；内容不同的不保存。
    先后以 changed_at 为准：晚到的旧状态只作历史，不会覆盖新状态。
    本地居民转为红码的，立即上报异常；本地没有的人暂存待匹配，到期清除。
    """
    return await changes.take_changes(desk, sent.items)


@router.post("/test-results", responses=client_writes(), response_model=InboundOutcome)
async def send_test_results(sent: SampleResults, desk: AtResults) -> InboundOutcome:
    """报送检测结果，每次最多1000条。

    逐条答复，次序与报送相同。已登记、待出结果的样本（同一人，采样管编号相同或采样时间相近）由此补上结果，
    没有登记的新建一条。混采管阳性只说明管内有人阳性：其中每人记为须单采复核。
    以新的事件再报同一样本（采样管编号相同）的，reported_at 较晚的更正此前的结果，较早的只作历史。
    阳性立即上报异常；本地没有的人暂存待匹配，到期清除。
    """
    return await results.take_results(desk, sent.items)


@router.post("/health-codes/status-queries", responses=client_writes(), response_model=StatusAnswer)
async def query_status(asked: StatusQuery, desk: AtStatus) -> StatusAnswer:
    """按证件号码或电话查询状态，每次最多100人。

    只答该系统的网格范围内的人；不认识的和范围以外的答复相同。每次查询都有记录。
    """
    return await status.answer(desk, asked.items)
