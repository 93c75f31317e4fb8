"""What signing out does elsewhere, and what keeps somebody from it: each room says its part.

Later rooms register at import, so that nothing here knows of them:

    @before_leaving
    async def keep(session: AsyncSession, leaving: Leaving) -> None: ...

All run in the transaction in which people leave, once it is known that the caller may let them. A
departure told wrong is followed in the same way (`after_putting_right`).
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.registry.resident_schemas import Departure


class Leaving(NamedTuple):
    """Who leaves, when and where to, and who says so."""

    caller: Claims
    residents: Collection[UUID]
    said: Departure


Check = Callable[[AsyncSession, Leaving], Awaitable[None]]
"""Ends what ends with it; raises a problem where one of them cannot be signed out so."""

_checks: list[Check] = []


def before_leaving(check: Check) -> Check:
    """Register what may keep somebody here, or ends when they leave."""
    _checks.append(check)
    return check


async def check_leaving(session: AsyncSession, leaving: Leaving) -> None:
    """Let every room end what ends; raise the problem of the first that keeps somebody here."""
    for check in _checks:
        await check(session, leaving)


class PutRight(NamedTuple):
    """Whose departure was told wrong: the day that was told, and the right one, None for none."""

    caller: Claims
    residents: Collection[UUID]
    told: date
    right: date | None


Follow = Callable[[AsyncSession, PutRight], Awaitable[None]]
"""Puts right what was ended by a departure told wrong."""

_following: list[Follow] = []


def after_putting_right(follow: Follow) -> Follow:
    """Register what follows a departure that is put right."""
    _following.append(follow)
    return follow


async def follow_putting_right(session: AsyncSession, put_right: PutRight) -> None:
    """Let every room follow a departure that was put right."""
    for follow in _following:
        await follow(session, put_right)
