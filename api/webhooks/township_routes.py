"""Other systems' subscriptions over HTTP, as the township looks after them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.clients.queries import client_in_reach
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound
from api.webhooks import queries, service
from api.webhooks.problems import WebhookPausedByOthers
from api.webhooks.routes import wanted_deliveries
from api.webhooks.schemas import WebhookDeliveryRead, WebhookPause, WebhookSubscriptionRead

router = room("webhooks")

Integrator = Annotated[Claims, permits(Permission.integrations_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]

_OF_A_CLIENT = "/machine-clients/{client_id}/webhook-subscriptions"


@router.get(_OF_A_CLIENT, responses=found())
async def list_webhook_subscriptions_of_client(
    client_id: UUID, integrator: Integrator, session: ScopedSession, page: Paged
) -> Page[WebhookSubscriptionRead]:
    """列出一个第三方系统的订阅，以及推送的情况。"""
    client = await client_in_reach(session, integrator, client_id)
    return await queries.subscriptions(session, client.id, page)


@router.get(_OF_A_CLIENT + "/{subscription_id}/deliveries", responses=found())
async def list_webhook_deliveries_of_client(
    client_id: UUID,
    subscription_id: UUID,
    integrator: Integrator,
    session: ScopedSession,
    wanted: Annotated[queries.DeliveryFilter, Depends(wanted_deliveries)],
    page: Paged,
) -> Page[WebhookDeliveryRead]:
    """列出一个第三方系统某个订阅的推送，最近的在前。"""
    client = await client_in_reach(session, integrator, client_id)
    row = await queries.subscription_of(session, client.id, subscription_id)
    return await queries.deliveries(session, row.id, wanted, page)


@router.post(_OF_A_CLIENT + "/{subscription_id}/pause", responses=writes(NotFound))
async def pause_webhook_subscription(
    client_id: UUID,
    subscription_id: UUID,
    pause: WebhookPause,
    integrator: Integrator,
    session: ScopedSession,
) -> WebhookSubscriptionRead:
    """暂停向一个地址推送；其间的事件保留 30 天，恢复后补推。"""
    row = await service.pause_for_township(
        session, integrator, client_id, subscription_id, reason=pause.reason
    )
    return await queries.present(session, row)


@router.post(_OF_A_CLIENT + "/{subscription_id}/resume", responses=found(WebhookPausedByOthers))
async def resume_webhook_subscription(
    client_id: UUID, subscription_id: UUID, integrator: Integrator, session: ScopedSession
) -> WebhookSubscriptionRead:
    """恢复推送：乡镇暂停的，或连续失败自动暂停的。"""
    row = await service.resume_for_township(session, integrator, client_id, subscription_id)
    return await queries.present(session, row)
