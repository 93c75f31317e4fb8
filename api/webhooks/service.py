"""Subscribing, changing, pausing and ending; a secret is told once and kept sealed."""

import base64
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.access.tokens import Claims
from api.clients.caller import ClientClaims
from api.clients.queries import client_in_reach, path_of
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.problems import RecordDiffers
from api.foundation.records import Proposal, create_once
from api.webhooks.addresses import AddressNotAllowed, Fence
from api.webhooks.deliveries import SECRET
from api.webhooks.fan_out import begin_to_read
from api.webhooks.models import PauseReason, WebhookSubscription
from api.webhooks.problems import (
    TooManyWebhookSubscriptions,
    WebhookAddressRefused,
    WebhookPausedByOthers,
    WebhookSubscriptionEnded,
)
from api.webhooks.queries import subscription_of
from api.webhooks.schemas import (
    WebhookSecretRotate,
    WebhookSubscribe,
    WebhookSubscriptionChange,
)
from api.webhooks.sending import STIRRED

MOST_SUBSCRIPTIONS = 20
_SECRET_BYTES = 32


async def subscribe(
    session: AsyncSession, client: ClientClaims, said: WebhookSubscribe, fence: Fence
) -> tuple[WebhookSubscription, str | None]:
    """Have events from now on sent to an address; returns the secret with a new one alone.

    Raises `WebhookAddressRefused`, `TooManyWebhookSubscriptions`, `RecordDiffers`, and
    `WebhookSubscriptionEnded` for one that was ended since.
    """
    _refuse_address(said.url, fence)
    secret = _new_secret()
    row = WebhookSubscription(
        **said.model_dump(exclude={"event_types"}),
        event_types=[kind.value for kind in said.event_types],
        client_id=client.client,
        after_seq=await begin_to_read(session),
        reach=await path_of(session, client.grid),
        secret_sealed=keyring_of(session).seal(secret, context=SECRET),
        created_at=clock.now(),
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.client_id != client.client:
        raise RecordDiffers(fields=[])
    if kept.ended_at is not None:
        raise WebhookSubscriptionEnded
    if created:
        await _refuse_too_many(session, client.client)
        _note(session, client, "subscribe", kept, types=kept.event_types)
    return kept, secret if created else None


async def change_subscription(
    session: AsyncSession,
    client: ClientClaims,
    subscription_id: UUID,
    said: WebhookSubscriptionChange,
    *,
    version: int,
    fence: Fence,
) -> WebhookSubscription:
    """Send elsewhere, or other events; pause, or go on, also after an automatic pause.

    Raises `NotFound`, `VersionMismatch`, `WebhookAddressRefused`, and `WebhookPausedByOthers` for
    what the township paused.
    """
    row = await subscription_of(session, client.client, subscription_id)
    changes = said.model_dump(include=said.model_fields_set - {"active"})
    if "event_types" in changes:
        changes["event_types"] = [kind.value for kind in said.event_types]
    if "url" in changes:
        _refuse_address(said.url, fence)
        changes |= _FRESH
    if "active" in said.model_fields_set:
        changes |= _going_on(row) if said.active else _paused(row, PauseReason.client)
    await correct(session, row, changes, Correction(version, by=client.worker))
    _note(session, client, "change", row, changed=sorted(said.model_fields_set))
    await stir(session)
    return row


_FRESH: dict[str, Any] = {"failures": 0, "failing_since": None, "rest_until": None}
"""An address of which nothing bad is known."""


def _going_on(row: WebhookSubscription) -> dict[str, Any]:
    if row.paused_because is PauseReason.township:
        raise WebhookPausedByOthers("该订阅由乡镇暂停，须由乡镇恢复。")
    return {"paused_at": None, "paused_because": None, **_FRESH}


def _paused(row: WebhookSubscription, reason: PauseReason) -> dict[str, Any]:
    """What pausing changes; what the township paused stays paused by it."""
    if row.paused_because is not None and reason is PauseReason.client:
        return {}
    return {"paused_at": clock.now(), "paused_because": reason}


async def rotate_secret(
    session: AsyncSession, client: ClientClaims, subscription_id: UUID, said: WebhookSecretRotate
) -> tuple[WebhookSubscription, str]:
    """Sign by a new secret from now on, and for a while by the former one too.

    Raises `NotFound`.
    """
    row = await subscription_of(session, client.client, subscription_id)
    await session.refresh(row, with_for_update=True)
    secret = _new_secret()
    changes: dict[str, Any] = {
        "secret_sealed": keyring_of(session).seal(secret, context=SECRET),
        "former_secret_sealed": None,
        "former_secret_until": None,
    }
    if said.overlap_hours:
        changes["former_secret_sealed"] = row.secret_sealed
        changes["former_secret_until"] = clock.now() + timedelta(hours=said.overlap_hours)
    await correct(session, row, changes, Correction(row.version, by=client.worker))
    _note(session, client, "rotate", row, overlap_hours=said.overlap_hours)
    return row, secret


async def end_subscription(
    session: AsyncSession, client: ClientClaims, subscription_id: UUID
) -> None:
    """Send nothing more, not even what waits. Raises `NotFound`."""
    row = await subscription_of(session, client.client, subscription_id)
    await session.refresh(row, with_for_update=True)
    correction = Correction(row.version, by=client.worker)
    await correct(session, row, {"ended_at": clock.now()}, correction)
    _note(session, client, "end", row)


async def pause_for_township(
    session: AsyncSession,
    caller: Claims,
    client_id: UUID,
    subscription_id: UUID,
    *,
    reason: str,
) -> WebhookSubscription:
    """Have nothing sent until the township lets it go on. Raises `NotFound`; twice is once."""
    row = await _in_reach(session, caller, client_id, subscription_id)
    if row.paused_because is not PauseReason.township:
        correction = Correction(row.version, by=caller.worker, reason=reason)
        await correct(session, row, _paused(row, PauseReason.township), correction)
        _note(session, caller, "pause", row)
    return row


async def resume_for_township(
    session: AsyncSession, caller: Claims, client_id: UUID, subscription_id: UUID
) -> WebhookSubscription:
    """Let it go on, by whomever it was paused but the other system itself; twice is once.

    Raises `NotFound`, `WebhookPausedByOthers`.
    """
    row = await _in_reach(session, caller, client_id, subscription_id)
    if row.paused_because is PauseReason.client:
        raise WebhookPausedByOthers
    if row.paused_because is not None:
        changes = {"paused_at": None, "paused_because": None, **_FRESH}
        await correct(session, row, changes, Correction(row.version, by=caller.worker))
        _note(session, caller, "resume", row)
        await stir(session)
    return row


async def _in_reach(
    session: AsyncSession, caller: Claims, client_id: UUID, subscription_id: UUID
) -> WebhookSubscription:
    client = await client_in_reach(session, caller, client_id)
    row = await subscription_of(session, client.id, subscription_id)
    await session.refresh(row, with_for_update=True)
    return row


async def stir(session: AsyncSession) -> None:
    """Let those who send look at this cell as soon as the transaction has committed."""
    await session.execute(text(f"SELECT pg_notify('{STIRRED}', current_schema())"))


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _refuse_address(url: str, fence: Fence) -> None:
    try:
        fence.check(url)
    except AddressNotAllowed as refusal:
        raise WebhookAddressRefused(str(refusal)) from None


async def _refuse_too_many(session: AsyncSession, client: UUID) -> None:
    statement = select(func.count()).where(
        WebhookSubscription.client_id == client, col(WebhookSubscription.ended_at).is_(None)
    )
    if (await session.scalar(statement) or 0) > MOST_SUBSCRIPTIONS:
        raise TooManyWebhookSubscriptions


def _note(
    session: AsyncSession, by: Actor, verb: str, row: WebhookSubscription, **details: Any
) -> None:
    audit(session, by, f"webhooks.{verb}", subject=row.id, reach=row.reach, details=details)
