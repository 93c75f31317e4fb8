"""Reading subscriptions and their deliveries: a system its own, the township all of its grids'."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import NotFound
from api.webhooks.event_types import WebhookEventType
from api.webhooks.models import (
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookSubscription,
)
from api.webhooks.schemas import (
    WebhookAttemptRead,
    WebhookDeliveryDetail,
    WebhookDeliveryRead,
    WebhookSubscriptionRead,
)

_MOST_ATTEMPTS_SHOWN = 100


class DeliveryFilter(BaseModel):
    """Which deliveries are wanted; what is left out does not narrow."""

    status: DeliveryStatus | None = None
    type: WebhookEventType | None = None
    subject_id: UUID | None = None


async def subscription_of(
    session: AsyncSession, client: UUID, subscription_id: UUID
) -> WebhookSubscription:
    """A client's own subscription, ended ones left out; raises `NotFound`."""
    statement = select(WebhookSubscription).where(
        WebhookSubscription.id == subscription_id,
        WebhookSubscription.client_id == client,
        col(WebhookSubscription.ended_at).is_(None),
    )
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise NotFound("没有找到该订阅。")
    return found


async def subscriptions(
    session: AsyncSession, client: UUID, page: PageRequest
) -> Page[WebhookSubscriptionRead]:
    """A client's subscriptions in the order they were made, how many wait counted."""
    statement = select(WebhookSubscription).where(
        WebhookSubscription.client_id == client, col(WebhookSubscription.ended_at).is_(None)
    )
    rows = await read_page(
        session, statement, [col(WebhookSubscription.id)], page, present=as_it_is
    )
    shown = await present_all(session, rows.items)
    return Page(items=shown, next_cursor=rows.next_cursor)


async def present(session: AsyncSession, row: WebhookSubscription) -> WebhookSubscriptionRead:
    """One subscription as the wire shows it."""
    [shown] = await present_all(session, [row])
    return shown


async def present_all(
    session: AsyncSession, rows: Sequence[WebhookSubscription]
) -> list[WebhookSubscriptionRead]:
    """Subscriptions as the wire shows them."""
    counts = await _counts(session, [row.id for row in rows])
    return [
        WebhookSubscriptionRead.model_validate(
            {
                **row.model_dump(),
                "active": row.paused_at is None,
                "waiting": counts.get((row.id, DeliveryStatus.pending), 0),
                "parked": counts.get((row.id, DeliveryStatus.parked), 0),
            }
        )
        for row in rows
    ]


async def _counts(
    session: AsyncSession, wanted: Sequence[UUID]
) -> dict[tuple[UUID, DeliveryStatus], int]:
    if not wanted:
        return {}
    open_ones = (DeliveryStatus.pending, DeliveryStatus.parked)
    keys = (col(WebhookDelivery.subscription_id), col(WebhookDelivery.status))
    statement = (
        select(*keys, func.count())
        .where(keys[0].in_(wanted), keys[1].in_(open_ones))
        .group_by(*keys)
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(statement)}


async def deliveries(
    session: AsyncSession, subscription: UUID, wanted: DeliveryFilter, page: PageRequest
) -> Page[WebhookDeliveryRead]:
    """The deliveries to a subscription, the latest first."""
    statement = select(WebhookDelivery).where(WebhookDelivery.subscription_id == subscription)
    for name, value in wanted.model_dump(exclude_none=True).items():
        statement = statement.where(col(getattr(WebhookDelivery, name)) == value)
    keys = [col(WebhookDelivery.created_at), col(WebhookDelivery.id)]
    return await read_page(session, statement, keys, page, present=shown, descending=True)


async def delivery_of(
    session: AsyncSession, subscription: UUID, delivery_id: UUID
) -> WebhookDelivery:
    """A delivery to a subscription; raises `NotFound`."""
    statement = select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.subscription_id == subscription
    )
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    delivery = found.one_or_none()
    if delivery is None:
        raise NotFound("没有找到该条推送。")
    return delivery


async def detail(session: AsyncSession, delivery: WebhookDelivery) -> WebhookDeliveryDetail:
    """A delivery with its attempts."""
    statement = (
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id == delivery.id)
        .order_by(col(WebhookAttempt.at).desc(), col(WebhookAttempt.id).desc())
        .limit(_MOST_ATTEMPTS_SHOWN)
    )
    attempted = [WebhookAttemptRead.model_validate(row) for row in await session.scalars(statement)]
    return WebhookDeliveryDetail(**shown(delivery).model_dump(), attempted=attempted)


def shown(row: WebhookDelivery) -> WebhookDeliveryRead:
    """A delivery as the wire shows it."""
    next_at: datetime | None = row.next_at if row.status is DeliveryStatus.pending else None
    told = {**row.model_dump(), "webhook_id": message_id(row.id), "next_at": next_at}
    return WebhookDeliveryRead.model_validate(told)


def message_id(delivery: UUID) -> str:
    """The `webhook-id` by which a receiver knows what it was sent before."""
    return f"msg_{delivery.hex}"
