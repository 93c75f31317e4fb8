"""Reading what a release depends on, for one quarantine or for many in the same few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.alerts.models import Alert, AlertStatus
from api.foundation import clock
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.health_records.queries import tests_of
from api.protocols.documents import Plan
from api.protocols.models import DiagnosticKind, Protocol
from api.quarantines.models import Quarantine
from api.quarantines.stage_models import QuarantinePlan
from api.quarantines.stages import stages_of_all, tests_due
from api.releases.conditions import Dossier, LinkedSample, OpenAlert


@dataclass(frozen=True, slots=True)
class PlanFollowed:
    """By which plan of which protocol a quarantine runs, and the clause that decided."""

    protocol: Protocol
    plan: Plan
    clause: str


async def plans_followed(
    session: AsyncSession, quarantines: Sequence[UUID]
) -> dict[UUID, PlanFollowed]:
    """The plans that these quarantines run by; one that was begun by hand is left out."""
    statement = (
        select(QuarantinePlan, Protocol)
        .join(Protocol, col(Protocol.id) == QuarantinePlan.protocol_id)
        .where(
            col(QuarantinePlan.quarantine_id).in_(quarantines),
            col(QuarantinePlan.ended_at).is_(None),
        )
    )
    plans: dict[tuple[UUID, str], Plan] = {}
    followed: dict[UUID, PlanFollowed] = {}
    for kept, protocol in await session.execute(statement):
        key = protocol.id, kept.plan_code
        plan = plans.get(key) or plans.setdefault(key, _plan(protocol, kept.plan_code))
        followed[kept.quarantine_id] = PlanFollowed(protocol, plan, kept.clause)
    return followed


def _plan(protocol: Protocol, code: str) -> Plan:
    told: list[dict[str, Any]] = protocol.document["plans"]
    return Plan.model_validate(next(plan for plan in told if plan["code"] == code))


async def dossiers(
    session: AsyncSession,
    quarantines: Sequence[Quarantine],
    followed: dict[UUID, PlanFollowed],
) -> dict[UUID, Dossier]:
    """Of each quarantine what its release depends on."""
    ids = [quarantine.id for quarantine in quarantines]
    now = clock.now()
    stages = await stages_of_all(session, ids)
    tests = await _tests(session, quarantines)
    alerts = await _open_alerts(session, ids)
    linked = await _linked_samples(session, [id_ for id_ in ids if id_ in followed])
    movements = await _open_movements(session, ids)
    return {
        each.id: Dossier(
            planned_end_on=each.planned_end_on,
            plan=followed[each.id].plan if each.id in followed else None,
            due=[test for stage in stages.get(each.id, []) for test in tests_due(stage)],
            tests=_since(each, tests.get(each.resident_id, [])),
            alerts=alerts.get(each.id, []),
            linked=linked.get(each.id),
            movements=movements.get(each.id, []),
            at=now,
        )
        for each in quarantines
    }


async def _tests(
    session: AsyncSession, quarantines: Sequence[Quarantine]
) -> dict[UUID, list[DiagnosticTest]]:
    people = [quarantine.resident_id for quarantine in quarantines]
    first = min((quarantine.started_on for quarantine in quarantines), default=clock.today())
    since, _ = clock.day_bounds(first)
    return await tests_of(session, people, since, clock.now() + timedelta(days=1))


def _since(quarantine: Quarantine, tests: Sequence[DiagnosticTest]) -> list[DiagnosticTest]:
    begins, _ = clock.day_bounds(quarantine.started_on)
    return [test for test in tests if test.sampled_at >= begins]


async def _open_alerts(
    session: AsyncSession, quarantines: Sequence[UUID]
) -> dict[UUID, list[OpenAlert]]:
    statement = (
        select(Alert)
        .where(
            col(Alert.quarantine_id).in_(quarantines),
            col(Alert.status) != AlertStatus.verified,
        )
        .order_by(col(Alert.opened_at), col(Alert.id))
    )
    found: dict[UUID, list[OpenAlert]] = {}
    for alert in await session.scalars(statement):
        if alert.quarantine_id is not None:
            found.setdefault(alert.quarantine_id, []).append(OpenAlert(alert.id, alert.cause))
    return found


_LINKED = text("SELECT * FROM linked_tests(CAST(:followers AS uuid[]))")


async def _linked_samples(
    session: AsyncSession, followers: Sequence[UUID]
) -> dict[UUID, list[LinkedSample]]:
    """The contact may live out of the caller's sight: read by a function of the cell's owner.

    Whoever follows nobody's tests is left out. Who is quarantined along with a secondary contact
    follows the same contact's.
    """
    found: dict[UUID, list[LinkedSample]] = {}
    for row in await session.execute(_LINKED, {"followers": list(followers)}):
        samples = found.setdefault(row.quarantine_id, [])
        if row.test_id is not None:
            kind, outcome = DiagnosticKind(row.kind), DiagnosticOutcome(row.outcome)
            samples.append(LinkedSample(row.test_id, kind, outcome, row.sampled_at))
    return found


# Whom a transfer has handed over, or brought back, is there: the vehicle, still to be disinfected,
# keeps nobody.
_MOVEMENTS = text("""
    SELECT quarantine_id, id FROM transfers
    WHERE quarantine_id = ANY (:quarantines)
        AND status NOT IN ('handed_over', 'turned_back', 'closed', 'cancelled')
    UNION ALL
    SELECT quarantine_id, id FROM hospital_referrals
    WHERE quarantine_id = ANY (:quarantines) AND outcome IS NULL
    UNION ALL
    SELECT quarantine_id, id FROM leaves WHERE quarantine_id = ANY (:quarantines) AND status = 'out'
""")


async def _open_movements(
    session: AsyncSession, quarantines: Sequence[UUID]
) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    for row in await session.execute(_MOVEMENTS, {"quarantines": list(quarantines)}):
        found.setdefault(row.quarantine_id, []).append(row.id)
    return found
