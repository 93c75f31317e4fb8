"""Reading policies and protocols: what is in force on a day, and rules kept ready for use."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import func, literal
from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col, select

from api.access.permissions import Role
from api.foundation.database import Connection
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import table_of
from api.protocols.documents import ProtocolDocument
from api.protocols.models import (
    CareTeamPolicy,
    Comparator,
    Policy,
    Protocol,
    ProtocolStatus,
    WhereaboutsKind,
)
from api.protocols.policies import CareTeamRule, MonitoringRule, Window
from api.protocols.problems import NoPolicyInForce
from api.protocols.protocol_schemas import ProtocolListed
from api.protocols.schemas import PolicyRead

FOUR_TO_ONE = "four_to_one"
"""The care-team policy that every cell begins with (四包一)."""

TWICE_DAILY = "twice_daily"
"""The monitoring policy that every cell begins with."""

SITE_TWICE_DAILY = "site_twice_daily"
"""The one that it begins with for whoever is at a site."""

P = TypeVar("P", bound=Policy)
Reading = TypeVar("Reading", bound=PolicyRead)


async def policy_of(session: AsyncSession, kind: type[P], policy_id: UUID) -> P:
    """One revision; raises `NotFound`."""
    policy = await session.get(kind, policy_id)
    if policy is None:
        raise NotFound("没有找到该规则。")
    return policy


async def current(session: AsyncSession, kind: type[P], code: str, *, on: date) -> P:
    """The revision of `code` in force on a local day; raises `NoPolicyInForce`."""
    statement = (
        select(kind)
        .where(col(kind.code) == code, col(kind.effective_from) <= on)
        .order_by(col(kind.revision).desc())
        .limit(1)
    )
    policy = (await session.scalars(statement)).one_or_none()
    if policy is None:
        raise NoPolicyInForce
    return policy


async def latest(session: AsyncSession, kind: type[P], code: str) -> P | None:
    """The newest revision of `code`, locked, so that one next revision is made at a time."""
    statement = (
        select(kind)
        .where(col(kind.code) == code)
        .order_by(col(kind.revision).desc())
        .limit(1)
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def policies(
    session: AsyncSession,
    kind: type[P],
    page: PageRequest,
    *,
    wire: type[Reading],
    code: str | None,
) -> Page[Reading]:
    """Every revision, by code and then by revision."""
    statement = select(kind)
    if code is not None:
        statement = statement.where(col(kind.code) == code)
    keys = [col(kind.code), col(kind.revision)]
    return await read_page(session, statement, keys, page, present=wire.model_validate)


def care_team_rule(policy: CareTeamPolicy) -> CareTeamRule:
    """The rule that a care-team policy states."""
    return CareTeamRule(
        id=policy.id,
        code=policy.code,
        revision=policy.revision,
        size=policy.size,
        min_party_members=policy.min_party_members,
        role_minima={Role(role): number for role, number in policy.role_minima.items()},
        max_persons_per_worker=policy.max_persons_per_worker,
    )


def _monitoring_rule(row: Mapping[str, Any]) -> MonitoringRule:
    return MonitoringRule(
        id=row["id"],
        code=row["code"],
        revision=row["revision"],
        windows=tuple(_window(each) for each in row["windows"]),
        fever_threshold_c=row["fever_threshold_c"],
        comparator=Comparator(row["comparator"]),
        low_threshold_c=row["low_threshold_c"],
        plausible_min_c=row["plausible_min_c"],
        plausible_max_c=row["plausible_max_c"],
        exempt_whereabouts=frozenset(map(WhereaboutsKind, row["exempt_whereabouts"])),
    )


def _window(told: Mapping[str, str]) -> Window:
    opens, closes = (time.fromisoformat(told[end]) for end in ("opens", "closes"))
    return Window(told["name"], told["label"], opens, closes)


_EVERY_MONITORING_POLICY = """
    SELECT id, code, revision, windows::text, fever_threshold_c::float8, comparator,
        low_threshold_c::float8, plausible_min_c::float8, plausible_max_c::float8,
        exempt_whereabouts
    FROM monitoring_policies
"""


class PolicyShelf:
    """Monitoring rules by cell and id, kept ready: a revision never changes, so none grows stale.

    One shelf belongs to one database; the application holds it (`app.state.policies`).
    """

    def __init__(self) -> None:
        self._rules: dict[str, dict[UUID, MonitoringRule]] = {}

    def known(self, cell: str) -> Mapping[UUID, MonitoringRule]:
        """The rules of a cell that were met before, without asking the database."""
        return self._rules.get(cell, {})

    async def monitoring(
        self, reader: AsyncSession | Connection, cell: str, needed: Collection[UUID]
    ) -> Mapping[UUID, MonitoringRule]:
        """The rules of a cell, `needed` among them; reads the database only for one not met yet.

        `reader` is either door into that cell. An id that the cell does not have is left out.
        """
        rules = self._rules.setdefault(cell, {})
        if not rules.keys() >= set(needed):
            rows = await (await _driver(reader)).fetch(_EVERY_MONITORING_POLICY)
            for row in rows:
                told = {**row, "windows": orjson.loads(row["windows"])}
                rules[told["id"]] = _monitoring_rule(told)
        return rules


async def _driver(reader: AsyncSession | Connection) -> Connection:
    if not isinstance(reader, AsyncSession):
        return reader
    raw: Any = (await (await reader.connection()).get_raw_connection()).driver_connection
    return raw


class InForce(NamedTuple):
    """A protocol that is in force, by what names it; its document stands on the shelf."""

    id: UUID
    code: str
    revision: int
    name: str
    disease: str
    legal_basis: str
    region_code: str | None


async def in_force(
    session: AsyncSession, on: date, *, disease: str | None = None, region: str | None = None
) -> list[InForce]:
    """The protocols in force on a local day, the most local first, of one place the newest first.

    `region` is a division code: protocols that bind other regions are left out. What was retired
    since was still in force on its days.
    """
    area = col(Protocol.region_code)
    statement = pick(*(table_of(Protocol).c[name] for name in InForce._fields)).where(
        col(Protocol.activated_at).is_not(None),
        col(Protocol.effective_from) <= on,
        func.coalesce(col(Protocol.effective_to), on) >= on,
    )
    if disease is not None:
        statement = statement.where(col(Protocol.disease) == disease)
    if region is not None:
        statement = statement.where(area.is_(None) | literal(region).startswith(area))
    ordered = statement.order_by(
        func.length(func.coalesce(area, "")).desc(),
        col(Protocol.effective_from).desc(),
        col(Protocol.code),
    )
    return [InForce(*row) for row in await session.execute(ordered)]


@dataclass(frozen=True, slots=True)
class ProtocolsWanted:
    """Which protocols a list is asked for; None asks nothing."""

    code: str | None = None
    status: ProtocolStatus | None = None
    disease: str | None = None
    in_force_on: date | None = None


async def protocols(
    session: AsyncSession, wanted: ProtocolsWanted, page: PageRequest
) -> Page[ProtocolListed]:
    """Every revision wanted, without its document, by code and then by revision."""
    statement = select(Protocol).options(defer(Protocol.document))  # pyright: ignore[reportArgumentType]
    for name in ("code", "status", "disease"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(Protocol, name) == value)
    if wanted.in_force_on is not None:
        standing = await in_force(session, wanted.in_force_on)
        statement = statement.where(col(Protocol.id).in_([each.id for each in standing]))
    keys, present = [col(Protocol.code), col(Protocol.revision)], ProtocolListed.model_validate
    return await read_page(session, statement, keys, page, present=present)


class ProtocolShelf:
    """The documents of protocols by cell and id, parsed once: what is no draft never changes.

    One shelf belongs to one database; the application holds it (`app.state.protocols`).
    """

    def __init__(self) -> None:
        self._documents: dict[tuple[str, UUID], ProtocolDocument] = {}

    async def document(
        self, session: AsyncSession, cell: str, protocol_id: UUID
    ) -> ProtocolDocument:
        """What a protocol of this cell says; raises `NotFound`."""
        if (cell, protocol_id) in self._documents:
            return self._documents[cell, protocol_id]
        protocol = await policy_of(session, Protocol, protocol_id)
        document = ProtocolDocument.model_validate(protocol.document)
        if protocol.status is not ProtocolStatus.draft:
            self._documents[cell, protocol_id] = document
        return document
