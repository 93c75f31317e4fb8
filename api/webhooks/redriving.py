"""Sending by hand: a trial, and again what was given up or even delivered before."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.clients.caller import ClientClaims
from api.foundation import clock
from api.foundation.records import new_id
from api.webhooks.event_types import PING
from api.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription
from api.webhooks.queries import delivery_of, subscription_of
from api.webhooks.service import stir


async def ping(
    session: AsyncSession, client: ClientClaims, subscription_id: UUID
) -> WebhookDelivery:
    """Have a message sent that is about nothing. Raises `NotFound`."""
    subscription = await subscription_of(session, client.client, subscription_id)
    now, identity = clock.now(), new_id()
    delivery = WebhookDelivery(
        id=identity,
        reach=subscription.reach,
        subscription_id=subscription.id,
        type=PING,
        subject_id=identity,
        at=now,
        status=DeliveryStatus.pending,
        next_at=now,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    await _at_once(session, subscription)
    return delivery


async def redrive_one(
    session: AsyncSession, client: ClientClaims, subscription_id: UUID, delivery_id: UUID
) -> WebhookDelivery:
    """Send one again, whatever became of it; what waits is tried at once. Raises `NotFound`."""
    subscription = await subscription_of(session, client.client, subscription_id)
    delivery = await delivery_of(session, subscription.id, delivery_id)
    told = {"subscription": subscription.id, "delivery": delivery_id, "now": clock.now()}
    await session.execute(text(f"{_AGAIN} AND id = :delivery"), told)
    await _redriven(session, client, subscription, 1)
    return await delivery_of(session, subscription.id, delivery.id)


async def redrive_since(
    session: AsyncSession,
    client: ClientClaims,
    subscription_id: UUID,
    since: datetime,
    *,
    delivered: bool,
) -> int:
    """Send again what happened since and was parked or skipped, or also `delivered`; how many.

    Of one subject they are sent in their order. What waits is tried at once. Raises `NotFound`.
    """
    subscription = await subscription_of(session, client.client, subscription_id)
    statuses = [DeliveryStatus.pending, DeliveryStatus.parked, DeliveryStatus.skipped]
    statuses += [DeliveryStatus.delivered] * delivered
    told = {
        "subscription": subscription.id,
        "since": since,
        "statuses": [each.value for each in statuses],
        "now": clock.now(),
    }
    again = text(f"{_AGAIN} AND at >= :since AND status = ANY (:statuses) RETURNING id")
    many = len((await session.execute(again, told)).all())
    await _redriven(session, client, subscription, many)
    return many


# What is under way this moment is left to whoever has it in hand.
_AGAIN = """
    UPDATE webhook_deliveries SET status = 'pending', reason = NULL, done_at = NULL,
        attempts = CASE WHEN status = 'pending' THEN attempts ELSE 0 END, next_at = :now
    WHERE subscription_id = :subscription AND lease IS NULL
"""


async def _redriven(
    session: AsyncSession, client: ClientClaims, subscription: WebhookSubscription, many: int
) -> None:
    subject, reach = subscription.id, subscription.reach
    details = {"deliveries": many}
    audit(session, client, "webhooks.redrive", subject=subject, reach=reach, details=details)
    await _at_once(session, subscription)


async def _at_once(session: AsyncSession, subscription: WebhookSubscription) -> None:
    """An address that rests after failures is tried nevertheless."""
    rests = "UPDATE webhook_subscriptions SET rest_until = NULL WHERE id = :id"
    await session.execute(text(rests), {"id": subscription.id})
    await stir(session)
