"""The audit record: written by the verb itself, in its transaction, never by a listener."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.models import AuditEntry
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.records import new_id

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being served; it joins the audit record with the log."""


def audit(
    session: AsyncSession,
    caller: Claims,
    action: str,
    *,
    subject: UUID,
    reach: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note that `caller` did `action` to `subject`. `details` never carry personal data."""
    session.add(
        AuditEntry(
            id=new_id(),
            at=clock.now(),
            action=action,
            subject_id=subject,
            worker_id=caller.worker,
            post_id=caller.post,
            session_id=caller.session,
            request_id=request_id.get(),
            details=dict(details or {}),
            reach=reach,
        )
    )
