"""Making the policies by which duties are weighed."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.duties.models import WorkloadPolicy
from api.duties.workload_schemas import WorkloadPolicyRecord
from api.foundation.records import Proposal
from api.protocols.service import next_revision


async def make_workload_policy(
    session: AsyncSession, caller: Claims, policy: WorkloadPolicyRecord
) -> tuple[WorkloadPolicy, bool]:
    """Keep a workload policy; returns it and whether it is new.

    Raises `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    told = policy.model_dump(mode="python")
    told["weights"] = {kind.value: weight for kind, weight in policy.weights.items()}
    row = WorkloadPolicy(**told, revision=1)
    return await next_revision(session, caller, Proposal(said=policy, row=row))
