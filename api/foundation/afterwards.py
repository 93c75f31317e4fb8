"""What a transaction leaves to be done right after it, which nobody should have to wait for.

It is owed in this process and by this process done: gathered for a moment, or as soon as anybody
here opens a transaction, who so finds it done. A process that dies before leaves it to the job that
does the same now and then: what may be owed is only what such a job finds by itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from api.foundation.logs import Sparing, fault_of
from api.foundation.patience import happens

_GATHER_SECONDS = 0.1
"""A township's morning rounds owe something every few milliseconds: all of it is done together."""

_PATIENCE_SECONDS = 1
"""What takes longer, since the database is busy, is not waited for by whoever only asks."""

Does = Callable[[str, str, Sequence[UUID]], Awaitable[None]]
"""Sends a function of a cell what it is to do, as a transaction of its own."""

_log = structlog.get_logger()


class Afterwards:
    """What is owed to cells by this process, until it is done."""

    def __init__(self, does: Does) -> None:
        self._does = does
        self._owed: dict[tuple[str, str], list[UUID]] = defaultdict(list)
        self._wanted = asyncio.Event()
        self._doing: set[asyncio.Task[None]] = set()
        self._sparing = Sparing(seconds=60)

    def owe(self, cell: str, function: str, ids: Sequence[UUID]) -> None:
        """Have a function of the cell called for these soon, with all that is owed it by then."""
        if not self._owed:
            self._wanted = asyncio.Event()
            task = asyncio.create_task(self._do(self._wanted))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)
        self._owed[cell, function] += ids

    async def done(self) -> None:
        """Return once everything that is owed by now was done, or left to its job; soon anyway."""
        if self._doing:
            self._wanted.set()
            await asyncio.wait(set(self._doing), timeout=_PATIENCE_SECONDS)

    async def _do(self, wanted: asyncio.Event) -> None:
        await happens(wanted, within=_GATHER_SECONDS)
        owed, self._owed = self._owed, defaultdict(list)
        for (cell, function), ids in owed.items():
            try:
                await self._does(cell, function, ids)
            except Exception as error:  # noqa: BLE001 - whatever it was, a job will do it
                if self._sparing.may_tell(type(error)):
                    _log.warning("left_to_its_job", does=function, **fault_of(error))
