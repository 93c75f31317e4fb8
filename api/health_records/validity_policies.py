"""Making validity policies: every technology has its course, and nobody is boosted before full."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation.records import Proposal
from api.health_records.models import VaccineTechnology
from api.health_records.validity_models import ValidityPolicy
from api.health_records.validity_schemas import ValidityPolicyRecord
from api.protocols.faults import Fault, refuse
from api.protocols.service import next_revision


async def make_validity_policy(
    session: AsyncSession, caller: Claims, policy: ValidityPolicyRecord
) -> tuple[ValidityPolicy, bool]:
    """Keep a validity policy; returns it and whether it is new.

    Raises `InvalidInput`, `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    refuse(_faults(policy))
    told: dict[str, Any] = policy.model_dump()
    told["courses"] = {made.value: course.model_dump() for made, course in policy.courses.items()}
    row = ValidityPolicy(**told, revision=1)
    return await next_revision(session, caller, Proposal(said=policy, row=row))


def _faults(policy: ValidityPolicyRecord) -> Iterator[Fault]:
    for technology in VaccineTechnology:
        course = policy.courses.get(technology)
        if course is None:
            yield f"courses/{technology}", f"须写明{technology.label}的全程和加强剂次。"
        elif course.boosted <= course.full:
            yield f"courses/{technology}/boosted", "加强后的剂次数须多于全程的剂次数。"
