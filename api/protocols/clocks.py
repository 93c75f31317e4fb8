"""Which alert clocks a protocol may name: the room of alerts, a later one, knows and says.

It registers at import, so that nothing here knows of it:

    @knows_clocks
    async def clocks(session: AsyncSession) -> Clocks: ...
"""

from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession


class Clocks(NamedTuple):
    """The causes that alerts have, and the codes of the policies that tell by which clock."""

    causes: Collection[str]
    codes: Collection[str]


Knowing = Callable[[AsyncSession], Awaitable[Clocks]]

_knowing: list[Knowing] = []


def knows_clocks(knowing: Knowing) -> Knowing:
    """Register what knows the clocks of a township."""
    _knowing.append(knowing)
    return knowing


async def clocks(session: AsyncSession) -> Clocks:
    """Every clock there is."""
    known = [await knowing(session) for knowing in _knowing]
    return Clocks(
        causes={cause for each in known for cause in each.causes},
        codes={code for each in known for code in each.codes},
    )
