"""What is held for people unknown here over HTTP: to the township, and to each system its own."""

from typing import Annotated

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.clients.caller import ClientClaims, ClientSession, client_permits, client_room
from api.clients.scopes import Scope
from api.foundation.contract import room
from api.inbound import waiting
from api.inbound.models import EventKind
from api.inbound.waiting_schemas import HeldCounts, OwnHeldCount

router = room("inbound")
client_router = client_room("inbound")

Integrator = Annotated[Claims, permits(Permission.integrations_manage)]
OfCodes = Annotated[ClientClaims, client_permits(Scope.health_codes_write)]
OfResults = Annotated[ClientClaims, client_permits(Scope.test_results_write)]


@router.get("/held-events")
async def list_held_events(_: Integrator, session: ScopedSession) -> HeldCounts:
    """查看第三方系统报送的、本地没有的人的信息暂存了多少。

    按系统和类别列出条数、自何时起、何时到期清除，近几天匹配和清除了多少；只有条数，没有是谁（M6.4）。
    """
    return await waiting.held_counts(session)


@client_router.get("/health-codes/changes/held")
async def read_held_code_changes(client: OfCodes, session: ClientSession) -> OwnHeldCount:
    """查看本系统报送的健康码变化有多少暂存待匹配。

    只有条数，没有是谁。
    """
    return await waiting.own_held_count(session, client, EventKind.code_change)


@client_router.get("/test-results/held")
async def read_held_test_results(client: OfResults, session: ClientSession) -> OwnHeldCount:
    """查看本系统报送的检测结果有多少暂存待匹配。

    只有条数，没有是谁。
    """
    return await waiting.own_held_count(session, client, EventKind.test_result)
