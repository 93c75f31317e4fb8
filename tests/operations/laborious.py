"""`onegrid` with background work of its own, for watching how a worker is killed in the middle."""

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.cli import main
from api.foundation.database import Connection, driver_of
from api.foundation.jobs import every, job


@job("notes.take")
async def take(session: AsyncSession, cell: str, payload: dict[str, Any]) -> None:
    """Begin, be slow, and change the world once, however often it is begun."""
    connection = await driver_of(session)
    await connection.execute("SELECT nextval('public.begun')")
    await asyncio.sleep(payload["seconds"])
    await connection.execute(
        "INSERT INTO public.notes (what, cell, number) VALUES ('job', $1, $2) "
        "ON CONFLICT (what, cell, number) DO NOTHING",
        cell,
        payload["number"],
    )


@every(seconds=1, name="notes.tick")
async def tick(connection: Connection, cell: str, at: datetime) -> int:
    """One note for each second that is looked at, whoever looks and however often."""
    told = await connection.execute(
        "INSERT INTO public.notes (what, cell, number) VALUES ('tick', $1, $2) "
        "ON CONFLICT (what, cell, number) DO NOTHING",
        cell,
        int(at.timestamp()),
    )
    return int(told.endswith("1"))


@job("notes.fail")
async def fail(session: AsyncSession, cell: str, payload: dict[str, Any]) -> None:
    """Fail, quoting what no log may show."""
    raise ValueError(f"黄秀英 {payload} {cell} {session}")


if __name__ == "__main__":
    main()
