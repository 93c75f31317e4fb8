"""Who may be named as having done something: anyone of this township, of any grid (M5.6)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.problems import Problem


class NotAColleague(Problem):
    """The person named as having done it does not belong to this township."""

    status = 422
    title = "没有该人员"
    detail = "没有找到实际办理的人，请从本乡镇的工作人员中选择。"
    pointer = "/body/performed_by"


_KNOWN = text("SELECT * FROM colleagues(CAST(:named AS uuid[]))")


async def strangers(session: AsyncSession, named: Collection[UUID]) -> set[UUID]:
    """Those of `named` who do not belong to the caller's township.

    A younger worker enters for an older one of the next grid, a village doctor's visit is entered
    by whoever was there: so reach does not limit who may be named, and only existence is told.
    """
    if not named:
        return set()
    known = await session.scalars(_KNOWN, {"named": list(named)})
    return set(named) - set(known)
