"""Reading the checks of a home, with what followed from each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.database import keyring_of
from api.protocols.models import ManagementCategory
from api.quarantines.models import Quarantine
from api.quarantines.queries import quarantine_of
from api.quarantines.site_check_schemas import SiteCheckRead, SiteChecksRead
from api.quarantines.site_checks import checks_of, fallback_taken, waits_for_transfer
from api.quarantines.stage_models import SiteCheck
from api.quarantines.stages import stages_of
from api.registry.masked import opened


async def site_checks_read(session: AsyncSession, quarantine_id: UUID) -> SiteChecksRead:
    """The checks of one home, the latest first; raises `NotFound`."""
    quarantine = await quarantine_of(session, quarantine_id)
    checks = await checks_of(session, quarantine_id)
    return SiteChecksRead(items=await _checks_shown(session, quarantine, checks))


async def site_check_read(session: AsyncSession, check: SiteCheck) -> SiteCheckRead:
    """One check, and what followed from it."""
    quarantine = await quarantine_of(session, check.quarantine_id)
    return (await _checks_shown(session, quarantine, [check]))[0]


async def _checks_shown(
    session: AsyncSession, quarantine: Quarantine, checks: Sequence[SiteCheck]
) -> list[SiteCheckRead]:
    stages, keys = await stages_of(session, quarantine.id), keyring_of(session)
    waits = await waits_for_transfer(session, quarantine)
    own = set(SiteCheckRead.model_fields)
    central = ManagementCategory.centralized_quarantine
    taken = [fallback_taken(check, stages) for check in checks]
    return [
        SiteCheckRead(
            **check.model_dump(include=own - {"items"}),
            items=dict(sorted(check.items.items())),
            note=opened(keys, check.note_sealed, context="site_checks.note"),
            fallback_category=fallback,
            transfer_to_order=waits and fallback is central,
        )
        for check, fallback in zip(checks, taken, strict=True)
    ]
