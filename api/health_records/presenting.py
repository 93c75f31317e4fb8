"""What holds of a person as the wire shows it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.health_records.standing import standing_of
from api.health_records.validity_schemas import StandingRead
from api.health_records.verdicts import Verdict
from api.registry.queries import resident_of


async def shown_standing(session: AsyncSession, resident_id: UUID, at: datetime) -> StandingRead:
    """What holds of a resident at an instant; raises `NotFound`, `NoPolicyInForce`."""
    resident = await resident_of(session, resident_id)
    standing = (await standing_of(session, [resident.id], at))[resident.id]
    told = {
        **asdict(standing),
        "code": _judged(standing.code, at),
        "codes": [_judged(each, at) for each in standing.codes],
        "travel_card": _judged(standing.travel_card, at),
        "negative_test": _judged(standing.negative_test, at),
    }
    return StandingRead.model_validate(told)


def _judged(verdict: Verdict | None, at: datetime) -> dict[str, Any] | None:
    return None if verdict is None else {**asdict(verdict), "holds": verdict.holds(at)}
