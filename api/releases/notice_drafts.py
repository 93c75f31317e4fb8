"""Drawing up a notice of release from the records of the person, the plan and the stages served."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import keyring_of
from api.grids.models import Grid
from api.quarantines.change_queries import approved_changes
from api.quarantines.models import Quarantine, QuarantineReason
from api.quarantines.stage_models import ChangeKind
from api.quarantines.stages import stages_of
from api.registry.masked import opened
from api.registry.models import Household, Resident
from api.releases.conditions import Condition, ConditionKind
from api.releases.dossiers import PlanFollowed
from api.releases.models import RELEASE_NUMBER
from api.releases.notices import Changed, Notice, Served

_TITLE = "解除隔离医学观察告知书"
_NEXT = text(f"SELECT nextval('{RELEASE_NUMBER.name}')")
_LINE_ABOVE = text("SELECT name, level FROM line_above(:grid, :at)")
_HOLDER = text("SELECT name FROM holders(ARRAY[CAST(:post AS uuid)])")


class Issuer(NamedTuple):
    """The unit that releases and the name of who approved it."""

    unit: str
    approver: str


async def draft_notice(
    session: AsyncSession,
    caller: Claims,
    quarantine: Quarantine,
    followed: PlanFollowed | None,
    conditions: Sequence[Condition],
) -> Notice:
    """The notice of an ended quarantine, by the caller who approved it."""
    ended_on = quarantine.ended_on or clock.today()
    issuer = await _issuer(session, caller)
    weighed = {each.kind: each for each in conditions}
    tests = weighed.get(ConditionKind.tests_negative)
    changes = await approved_changes(session, quarantine.id)
    return Notice(
        **await _person(session, quarantine),
        title=followed.plan.release.notice_title if followed else _TITLE,
        number=f"解除〔{ended_on.year}〕{await session.scalar(_NEXT)}号",
        reason=_reason(quarantine),
        served=await _served(session, quarantine.id, ended_on),
        changed=[Changed(each.kind.label, each.legal_basis) for each in changes],
        ended_early=bool(changes) and changes[-1].kind is ChangeKind.early_end,
        alert_free=ConditionKind.no_open_alert in weighed,
        basis=_basis(quarantine, followed),
        tests=len(tests.evidence) if tests else 0,
        follow_up_days=followed.plan.follow_up_days if followed else [],
        unit=issuer.unit,
        approver=issuer.approver,
        released_on=ended_on,
    )


def _reason(quarantine: Quarantine) -> str | None:
    """Why, where that says something: the clause that decided stands on the notice as well."""
    reason = quarantine.reason
    return None if reason is QuarantineReason.other else reason.label


async def _person(session: AsyncSession, quarantine: Quarantine) -> dict[str, Any]:
    resident = await session.get_one(Resident, quarantine.resident_id)
    sealed = resident.document_sealed
    return {
        "name": resident.name,
        "sex": resident.sex,
        "document_kind": resident.document_kind,
        "document": opened(keyring_of(session), sealed, context="residents.document"),
        "address": await _address(session, quarantine, resident),
    }


async def _issuer(session: AsyncSession, caller: Claims) -> Issuer:
    own = await session.get_one(Grid, caller.grid)
    above = (await session.execute(_LINE_ABOVE, {"grid": own.id, "at": clock.now()})).all()
    township = next((row.name for row in above if row.level == 1), "")
    approver: str = await session.scalar(_HOLDER, {"post": caller.post}) or ""
    return Issuer(f"{township}{own.name}", approver)


async def _address(session: AsyncSession, quarantine: Quarantine, resident: Resident) -> str | None:
    """Where the person lives; without a known address, where the quarantine was served."""
    household = await session.get_one(Household, resident.household_id)
    keys = keyring_of(session)
    lives = opened(keys, household.address_sealed, context="households.address")
    return lives or opened(keys, quarantine.place_sealed, context="quarantines.place")


async def _served(session: AsyncSession, quarantine_id: UUID, ended_on: date) -> list[Served]:
    return [
        Served(stage.category.label, stage.starts_on, min(stage.ends_on, ended_on))
        for stage in await stages_of(session, quarantine_id)
        if stage.starts_on <= ended_on
    ]


def _basis(quarantine: Quarantine, followed: PlanFollowed | None) -> str | None:
    if followed is None:
        return quarantine.legal_basis
    return f"《{followed.protocol.name}》（{followed.protocol.issuing_body}）：{followed.clause}"
