"""Subscriptions to events over HTTP, as other systems manage their own."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.clients.caller import (
    ClientClaims,
    ClientSession,
    client_permits,
    client_room,
    client_writes,
)
from api.clients.scopes import Scope
from api.foundation.contract import problems
from api.foundation.fields import Instant
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.webhooks import queries, redriving, service
from api.webhooks.addresses import Fence, fence_of
from api.webhooks.event_types import WebhookEventType
from api.webhooks.models import DeliveryStatus
from api.webhooks.problems import (
    TooManyWebhookSubscriptions,
    WebhookAddressRefused,
    WebhookPausedByOthers,
    WebhookSubscriptionEnded,
)
from api.webhooks.schemas import (
    WebhookDeliveryDetail,
    WebhookDeliveryRead,
    WebhookSecretRotate,
    WebhooksRedriven,
    WebhookSubscribe,
    WebhookSubscriptionChange,
    WebhookSubscriptionRead,
    WebhookSubscriptionWithSecret,
)

router = client_room("webhooks")

Subscriber = Annotated[ClientClaims, client_permits(Scope.webhooks_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]


async def _fence(request: Request) -> Fence:
    return fence_of(request.app.state.settings)


async def _never_stored(response: Response) -> None:
    """Secrets stay out of every cache on the way."""
    response.headers["Cache-Control"] = "no-store"


HouseFence = Annotated[Fence, Depends(_fence)]
_SECRET = [Depends(_never_stored)]


async def wanted_deliveries(
    status: Annotated[DeliveryStatus | None, Query(description="这一状态的推送")] = None,
    type: Annotated[  # noqa: A002 - the word of the wire
        WebhookEventType | None, Query(description="这一类事件的推送")
    ] = None,
    subject_id: Annotated[UUID | None, Query(description="关于该记录的推送")] = None,
) -> queries.DeliveryFilter:
    return queries.DeliveryFilter(status=status, type=type, subject_id=subject_id)


@router.post(
    "/webhook-subscriptions",
    status_code=201,
    dependencies=_SECRET,
    response_model=WebhookSubscriptionWithSecret,
    responses={
        200: {
            "model": WebhookSubscriptionWithSecret,
            "description": "同一编号、同一内容此前已提交；不再显示密钥",
        },
        **client_writes(
            RecordDiffers,
            WebhookAddressRefused,
            WebhookSubscriptionEnded,
            TooManyWebhookSubscriptions,
        ),
    },
)
async def subscribe_webhook(
    wanted: WebhookSubscribe,
    subscriber: Subscriber,
    session: ClientSession,
    fence: HouseFence,
    response: Response,
) -> WebhookSubscriptionWithSecret:
    """订阅事件。

    此后发生的事件推送到 url，按 Standard Webhooks 签名，验签密钥只在本次回答中显示一次。每条至少推
    送一次，同一记录的事件依次推送；重复的按 webhook-id 忽略。对方须在 10 秒内答 2xx，否则退避重试。

    推送内容限于该系统的网格：编号和时间一律有；状态须有 status:read，姓名和脱敏证件号须有
    persons:identify。不跟随跳转，不向内部网络推送。
    """
    row, secret = await service.subscribe(session, subscriber, wanted, fence)
    location = f"/v1/webhook-subscriptions/{row.id}"
    tell_created(response, location, version=row.version, created=secret is not None)
    shown = await queries.present(session, row)
    return WebhookSubscriptionWithSecret(**shown.model_dump(), secret=secret)


@router.get("/webhook-subscriptions")
async def list_webhook_subscriptions(
    subscriber: Subscriber, session: ClientSession, page: Paged
) -> Page[WebhookSubscriptionRead]:
    """列出本系统的订阅。"""
    return await queries.subscriptions(session, subscriber.client, page)


@router.get("/webhook-subscriptions/{subscription_id}", responses=problems(NotFound))
async def read_webhook_subscription(
    subscription_id: UUID, subscriber: Subscriber, session: ClientSession, response: Response
) -> WebhookSubscriptionRead:
    """查看一个订阅。"""
    row = await queries.subscription_of(session, subscriber.client, subscription_id)
    response.headers["ETag"] = f'"{row.version}"'
    return await queries.present(session, row)


@router.patch(
    "/webhook-subscriptions/{subscription_id}",
    responses=client_writes(
        NotFound, VersionMissing, VersionMismatch, WebhookAddressRefused, WebhookPausedByOthers
    ),
)
async def change_webhook_subscription(
    subscription_id: UUID,
    change: WebhookSubscriptionChange,
    subscriber: Subscriber,
    session: ClientSession,
    fence: HouseFence,
    version: IfMatch,
) -> WebhookSubscriptionRead:
    """修改、暂停、恢复一个订阅。

    暂停期间的事件保留 30 天，恢复后补推；连续失败而自动暂停的，也由此恢复。
    """
    row = await service.change_subscription(
        session, subscriber, subscription_id, change, version=version, fence=fence
    )
    return await queries.present(session, row)


@router.delete(
    "/webhook-subscriptions/{subscription_id}", status_code=204, responses=problems(NotFound)
)
async def end_webhook_subscription(
    subscription_id: UUID, subscriber: Subscriber, session: ClientSession
) -> None:
    """终止一个订阅；未推送的不再推送。"""
    await service.end_subscription(session, subscriber, subscription_id)


@router.post(
    "/webhook-subscriptions/{subscription_id}/rotate-secret",
    dependencies=_SECRET,
    responses=client_writes(NotFound),
    response_model=WebhookSubscriptionWithSecret,
)
async def rotate_webhook_secret(
    subscription_id: UUID,
    wanted: WebhookSecretRotate,
    subscriber: Subscriber,
    session: ClientSession,
) -> WebhookSubscriptionWithSecret:
    """轮换验签密钥。

    overlap_hours 小时内新旧密钥同时签名，任一签名相符即可；新密钥只在本次回答中显示一次。
    """
    row, secret = await service.rotate_secret(session, subscriber, subscription_id, wanted)
    shown = await queries.present(session, row)
    return WebhookSubscriptionWithSecret(**shown.model_dump(), secret=secret)


@router.post(
    "/webhook-subscriptions/{subscription_id}/test",
    status_code=202,
    responses={202: {"description": "随即推送；暂停中的，恢复后推送"}, **problems(NotFound)},
)
async def send_webhook_ping(
    subscription_id: UUID, subscriber: Subscriber, session: ClientSession
) -> WebhookDeliveryRead:
    """试推一条 ping，不涉及任何记录。"""
    return queries.shown(await redriving.ping(session, subscriber, subscription_id))


@router.get("/webhook-subscriptions/{subscription_id}/deliveries", responses=problems(NotFound))
async def list_webhook_deliveries(
    subscription_id: UUID,
    subscriber: Subscriber,
    session: ClientSession,
    wanted: Annotated[queries.DeliveryFilter, Depends(wanted_deliveries)],
    page: Paged,
) -> Page[WebhookDeliveryRead]:
    """列出一个订阅的推送，最近的在前。"""
    row = await queries.subscription_of(session, subscriber.client, subscription_id)
    return await queries.deliveries(session, row.id, wanted, page)


@router.get(
    "/webhook-subscriptions/{subscription_id}/deliveries/{delivery_id}",
    responses=problems(NotFound),
)
async def read_webhook_delivery(
    subscription_id: UUID, delivery_id: UUID, subscriber: Subscriber, session: ClientSession
) -> WebhookDeliveryDetail:
    """查看一条推送及其各次尝试。"""
    row = await queries.subscription_of(session, subscriber.client, subscription_id)
    return await queries.detail(session, await queries.delivery_of(session, row.id, delivery_id))


@router.post(
    "/webhook-subscriptions/{subscription_id}/deliveries/{delivery_id}/redrive",
    status_code=202,
    responses={202: {"description": "随即推送；暂停中的，恢复后推送"}, **problems(NotFound)},
)
async def redrive_webhook_delivery(
    subscription_id: UUID, delivery_id: UUID, subscriber: Subscriber, session: ClientSession
) -> WebhookDeliveryRead:
    """重推一条，不论其状态；webhook-id 不变。"""
    row = await redriving.redrive_one(session, subscriber, subscription_id, delivery_id)
    return queries.shown(row)


@router.post(
    "/webhook-subscriptions/{subscription_id}/redrive",
    status_code=202,
    responses={202: {"description": "随即推送；暂停中的，恢复后推送"}, **problems(NotFound)},
)
async def redrive_webhook_deliveries(
    subscription_id: UUID,
    subscriber: Subscriber,
    session: ClientSession,
    since: Annotated[Instant, Query(description="重推此时间起发生的事件")],
    delivered: Annotated[
        bool, Query(description="true 为已送达的也重推，如对方丢失了数据")
    ] = False,
) -> WebhooksRedriven:
    """重推一段时间以来未送达的；同一记录的事件仍依次推送。"""
    many = await redriving.redrive_since(
        session, subscriber, subscription_id, since, delivered=delivered
    )
    return WebhooksRedriven(redriven=many)
