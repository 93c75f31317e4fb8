"""At which session of a site something was done: the room of sites, a later one, keeps them.

It registers at import, so that nothing here knows of it:

    @knows_sessions
    async def known(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Held]: ...
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.problems import InvalidInput, NotFound


class Held(NamedTuple):
    """A session, what is done there, whether it was opened, and its local days, both included."""

    id: UUID
    vaccinates: bool
    opened: bool
    first: date
    last: date


Knowing = Callable[[AsyncSession, Collection[UUID]], Awaitable[Sequence[Held]]]
"""Those of these sessions that there are, whether the caller is on duty there or was."""

_knowing: list[Knowing] = []


def knows_sessions(knowing: Knowing) -> Knowing:
    """Register what knows the sessions of sites."""
    _knowing.append(knowing)
    return knowing


async def sessions_named(
    session: AsyncSession, ids: Collection[UUID | None]
) -> Mapping[UUID, Held]:
    """The sessions that records name; nothing is asked where none does."""
    named = {each for each in ids if each is not None}
    if not named:
        return {}
    return {held.id: held for knowing in _knowing for held in await knowing(session, named)}


def refuse_elsewhere(
    known: Mapping[UUID, Held], named: UUID | None, day: date, *, dose: bool, within: str
) -> None:
    """Raise `NotFound` or `InvalidInput` for a session at which this cannot have been done.

    A session counts by name who was there: what never was there must not count.
    """
    if named is None:
        return
    held, pointer = known.get(named), f"{within}/site_session_id"
    if held is None:
        raise NotFound("没有找到该场次。", pointer=pointer)
    if held.vaccinates is not dose:
        detail = "该场次是采样的，不能登记接种。" if dose else "该场次是接种的，不能登记采样。"
        raise InvalidInput(detail, pointer=pointer)
    if not held.opened:
        raise InvalidInput("该场次尚未开点或已取消，不能登记。", pointer=pointer)
    if not held.first <= day <= held.last:
        raise InvalidInput("日期不在该场次之内，请核对场次。", pointer=pointer)
