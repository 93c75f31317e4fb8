"""What keeps somebody from being signed out: each room that holds people here says it.

Later rooms register at import, so that nothing here knows of them:

    @before_leaving
    async def keep(session: AsyncSession, residents: Collection[UUID]) -> None: ...

All run in the transaction in which people leave, once it is known that the caller may let them.
"""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

Check = Callable[[AsyncSession, Collection[UUID]], Awaitable[None]]
"""Raises a problem where one of these residents cannot be signed out yet."""

_checks: list[Check] = []


def before_leaving(check: Check) -> Check:
    """Register what may keep somebody here."""
    _checks.append(check)
    return check


async def check_leaving(session: AsyncSession, residents: Collection[UUID]) -> None:
    """Raise the problem of the first room that keeps one of these residents here."""
    for check in _checks:
        await check(session, residents)
