"""Making alert policies: steps that go upward, each told to somebody and once."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.alerts.models import AlertPolicy, Cause
from api.alerts.policy_schemas import AlertPolicyRecord
from api.foundation.records import Proposal
from api.grids.models import GridKind
from api.protocols.clocks import Clocks, knows_clocks
from api.protocols.faults import Fault, refuse
from api.protocols.service import next_revision

_HEIGHT = {
    GridKind.micro: 0,
    GridKind.basic: 1,
    GridKind.dedicated: 1,
    GridKind.village: 2,
    GridKind.area: 3,
    GridKind.township: 4,
}


async def make_alert_policy(
    session: AsyncSession, caller: Claims, policy: AlertPolicyRecord
) -> tuple[AlertPolicy, bool]:
    """Keep an alert policy; returns it and whether it is new. Alerts that are open keep theirs.

    Raises `InvalidInput`, `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    refuse(_faults(policy))
    told: dict[str, Any] = policy.model_dump()
    told["steps"] = [step.model_dump(mode="json") for step in policy.steps]
    row = AlertPolicy(**told, revision=1)
    return await next_revision(session, caller, Proposal(said=policy, row=row))


@knows_clocks
async def clocks(session: AsyncSession) -> Clocks:
    """What a protocol may name: every cause, and every code of a policy."""
    codes = await session.scalars(select(col(AlertPolicy.code)).distinct())
    return Clocks(Cause.labels(), set(codes))


def _faults(policy: AlertPolicyRecord) -> Iterator[Fault]:
    yield from _repeated("causes", policy.causes)
    height = 0
    for place, step in enumerate(policy.steps):
        if _HEIGHT[step.grid_kind] < height:
            yield f"steps/{place}/grid_kind", "各步须逐级向上，不能低于前一步。"
        height = max(height, _HEIGHT[step.grid_kind])
        yield from _repeated(f"steps/{place}/roles", step.roles)


def _repeated(where: str, values: Sequence[StrEnum]) -> Iterator[Fault]:
    for place, value in enumerate(values):
        if value in values[:place]:
            yield f"{where}/{place}", "此项重复。"
