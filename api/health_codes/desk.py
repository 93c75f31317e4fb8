"""A caller between transactions: none is open while another system is waited for."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.caller import Caller, entry_of
from api.access.tokens import Claims
from api.foundation.database import Database
from api.health_codes.shelf import HealthCodes, Systems


@dataclass(frozen=True, slots=True)
class Desk:
    """A caller with the systems of their township, and transactions as short as can be."""

    caller: Claims
    database: Database
    systems: Systems

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction of its own, entered as the caller's post."""
        return self.database.session(entry_of(self.caller, writing=True))


async def systems_house(request: Request) -> HealthCodes:
    health_codes: HealthCodes = request.app.state.health_codes
    return health_codes


async def desk_of(request: Request, caller: Caller) -> Desk:
    house = await systems_house(request)
    return Desk(caller, house.database, house.of(caller.cell))


House = Annotated[HealthCodes, Depends(systems_house)]
AtDesk = Annotated[Desk, Depends(desk_of)]
"""For routes that ask another system: they hold no session of the request."""
