"""Taking deliveries in hand, and what became of them; whoever is killed meanwhile holds up nobody.

What is taken in hand is not due again before its lease has passed. Of one subject and subscription
only the earliest that waits is due, so that nothing overtakes what failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from api.clients.scopes import Scope
from api.foundation.database import Connection
from api.foundation.live import tell
from api.foundation.records import new_id
from api.foundation.sealed import Keyring
from api.webhooks import backoff
from api.webhooks.courier import Answer, longest_pause
from api.webhooks.models import DeliveryStatus, PauseReason, SkipReason

LEASE = timedelta(seconds=30)
"""Three times as long as sending may take."""

AT_ONCE = 16
"""How many deliveries to one address are under way together, each of another subject."""

SECRET = "webhook_subscriptions.secret"  # noqa: S105 - the context in which secrets are sealed
_GONE = 410
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery taken in hand."""

    id: UUID
    type: str
    subject_id: UUID
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one subscription is sent together, and all that sending needs."""

    subscription: UUID
    lease: UUID
    url: str
    reach: str
    scopes: frozenset[str]
    secrets: tuple[str, ...]
    due: Sequence[Due]


async def waiting(connection: Connection, cell: str, at: datetime) -> list[UUID]:
    """The subscriptions to which something is to be sent now."""
    return [row["id"] for row in await connection.fetch(_WAITING, cell, at)]


async def take(
    connection: Connection, cell: str, subscription: UUID, keyring: Keyring, at: datetime
) -> Bundle | None:
    """Take in hand what is due to a subscription; None where nothing is, or it must rest."""
    known = await connection.fetchrow(_STANDING, cell, at, subscription)
    if known is None:
        return None
    most = 1 if known["failures"] >= backoff.FAILED_ROUNDS else AT_ONCE
    lease = new_id()
    rows = await connection.fetch(_TAKE, subscription, at, most, lease, at + LEASE)
    if not rows:
        return None
    sealed = [known["secret_sealed"], *filter(None, [known["former_sealed"]])]
    return Bundle(
        subscription,
        lease,
        known["url"],
        known["path"],
        frozenset(known["scopes"]),
        tuple(keyring.open(each, context=SECRET) for each in sealed),
        [Due(**row) for row in rows],
    )


_SERVED = f"""
    FROM webhook_subscriptions s
    JOIN public.machine_clients c ON c.id = s.client_id AND c.cell = $1
        AND c.disabled_at IS NULL AND c.expires_at > $2
        AND '{Scope.webhooks_manage}' = ANY (c.scopes)
    JOIN grids g ON g.id = c.grid_id AND g.closed_at IS NULL
    WHERE s.ended_at IS NULL AND s.paused_at IS NULL
        AND (s.rest_until IS NULL OR s.rest_until <= $2)
"""
_WAITING = f"""
    SELECT s.id {_SERVED} AND (
        SELECT d.next_at FROM webhook_deliveries d
        WHERE d.subscription_id = s.id AND d.status = 'pending'
        ORDER BY d.next_at, d.seq LIMIT 1
    ) <= $2
"""
_STANDING = f"""
    SELECT s.url, s.failures, s.secret_sealed, g.path, c.scopes,
        CASE WHEN s.former_secret_until > $2 THEN s.former_secret_sealed END AS former_sealed
    {_SERVED} AND s.id = $3
"""
_TAKE = """
    UPDATE webhook_deliveries d SET lease = $4, next_at = $5
    WHERE d.id IN (
        SELECT w.id FROM webhook_deliveries w
        WHERE w.subscription_id = $1 AND w.status = 'pending' AND w.next_at <= $2
            AND NOT EXISTS (
                SELECT FROM webhook_deliveries e
                WHERE e.subscription_id = w.subscription_id AND e.subject_id = w.subject_id
                    AND e.status = 'pending' AND e.seq < w.seq
            )
        ORDER BY w.next_at, w.seq LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    RETURNING d.id, d.type, d.subject_id, d.at, d.attempts
"""


async def settle(
    connection: Connection, bundle: Bundle, answers: Mapping[UUID, Answer], at: datetime
) -> None:
    """Note what became of a bundle: of each delivery, and of the address it went to.

    What has no answer was not sent, since its subscriber may not see it.
    """
    standing = await connection.fetchrow(_LOCKED, bundle.subscription)
    assert standing is not None  # noqa: S101 - subscriptions end, they do not go away
    succeeded = any(answer.failure is None for answer in answers.values())
    failed = bool(answers) and not succeeded
    rounds = standing["failures"] + 1 if failed else 0
    fates = [_fate(each, answers.get(each.id), rounds, at) for each in bundle.due]
    await connection.executemany(_SETTLE, [(*fate, bundle.lease, at) for fate in fates])
    told = [_attempt(bundle, each, answers[each.id]) for each in bundle.due if each.id in answers]
    await connection.executemany(_ATTEMPT, told)
    asked = longest_pause(answers.values())
    if succeeded:
        await connection.execute(_WORKS, bundle.subscription, at, at + asked if asked else None)
        if standing["failures"] >= backoff.FAILED_ROUNDS:
            await connection.execute(_ALL_NOW, bundle.subscription, at)
    elif failed:
        rest = max(backoff.rest_after(rounds) or timedelta(), asked)
        await connection.execute(
            _FAILS, bundle.subscription, rounds, at, at + rest if rest else None
        )
        await _give_up(connection, bundle, standing, answers, rounds=rounds, at=at)


_LOCKED = """
    SELECT failures, failing_since, reach FROM webhook_subscriptions WHERE id = $1 FOR UPDATE
"""


def _fate(due: Due, answer: Answer | None, rounds: int, at: datetime) -> tuple[Any, ...]:
    """Its id, status, reason, attempts and when it is tried again."""
    if answer is None:
        return due.id, DeliveryStatus.skipped, SkipReason.out_of_sight, due.attempts, at
    attempts = due.attempts + 1
    if answer.failure is None:
        return due.id, DeliveryStatus.delivered, None, attempts, at
    # While the address fails whatever is sent, nothing can be said of this one.
    if attempts >= backoff.MOST_ATTEMPTS and rounds < backoff.FAILED_ROUNDS:
        return due.id, DeliveryStatus.parked, None, attempts, at
    pause = max(backoff.pause_after(attempts), answer.pause or timedelta())
    return due.id, DeliveryStatus.pending, None, attempts, at + pause


def _attempt(bundle: Bundle, due: Due, answer: Answer) -> tuple[Any, ...]:
    return (
        new_id(),
        due.id,
        bundle.subscription,
        answer.at,
        answer.status_code,
        answer.took_ms,
        answer.failure,
    )


async def _give_up(
    connection: Connection,
    bundle: Bundle,
    standing: Any,
    answers: Mapping[UUID, Answer],
    *,
    rounds: int,
    at: datetime,
) -> None:
    """Pause what is gone or has failed for days, and let the township know."""
    since = standing["failing_since"] or at
    if any(answer.status_code == _GONE for answer in answers.values()):
        reason = PauseReason.gone
    elif rounds >= backoff.GIVEN_UP_ROUNDS and at - since >= backoff.GIVEN_UP_AFTER:
        reason = PauseReason.failing
    else:
        return
    if await connection.fetchval(_PAUSE, bundle.subscription, at, reason):
        subject = bundle.subscription
        await tell(connection, "webhook.paused", subject=subject, reach=standing["reach"], at=at)
        _log.warning("webhook_paused", subscription=str(subject), because=reason.value)


_SETTLE = """
    UPDATE webhook_deliveries SET status = $2::text, reason = $3, attempts = $4,
        next_at = $5, lease = NULL,
        done_at = CASE WHEN $2::text <> 'pending' THEN $7::timestamptz END
    WHERE id = $1 AND lease = $6
"""
_ATTEMPT = """
    INSERT INTO webhook_attempts (
        id, reach, delivery_id, subscription_id, at, status_code, took_ms, failure
    )
    SELECT $1, s.reach, $2, s.id, $4, $5, $6, $7 FROM webhook_subscriptions s WHERE s.id = $3
"""
_WORKS = """
    UPDATE webhook_subscriptions SET failures = 0, failing_since = NULL, rest_until = $3,
        delivered_at = $2
    WHERE id = $1
"""
_FAILS = """
    UPDATE webhook_subscriptions SET failures = $2, rest_until = $4,
        failing_since = coalesce(failing_since, $3)
    WHERE id = $1
"""
_ALL_NOW = """
    UPDATE webhook_deliveries SET next_at = $2
    WHERE subscription_id = $1 AND status = 'pending' AND lease IS NULL AND next_at > $2
"""
_PAUSE = """
    UPDATE webhook_subscriptions SET paused_at = $2, paused_because = $3
    WHERE id = $1 AND paused_at IS NULL AND ended_at IS NULL RETURNING true
"""
