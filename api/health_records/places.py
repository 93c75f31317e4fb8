"""Which codes are divisions: the room of arrivals, a later one, keeps the list and knows.

It registers at import, so that nothing here knows of it:

    @knows_divisions
    async def known(session: AsyncSession, codes: Collection[str]) -> Collection[str]: ...
"""

from collections.abc import Awaitable, Callable, Collection

from sqlalchemy.ext.asyncio import AsyncSession

Knowing = Callable[[AsyncSession, Collection[str]], Awaitable[Collection[str]]]
"""Of these codes, those that are divisions."""

_knowing: list[Knowing] = []


def knows_divisions(knowing: Knowing) -> Knowing:
    """Register what knows the divisions."""
    _knowing.append(knowing)
    return knowing


async def unknown_divisions(session: AsyncSession, codes: Collection[str]) -> set[str]:
    """Those of these codes that no list of divisions has."""
    if not codes:
        return set()
    known = {code for knowing in _knowing for code in await knowing(session, codes)}
    return set(codes) - known
