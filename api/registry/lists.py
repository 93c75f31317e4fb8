"""Lists of the register: households, residents, and where “1+1+1” is not complete."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import document_lookup
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import InvalidInput, NotFound
from api.grids.queries import below_grid
from api.registry.masked import MAJORITY, listed_household, masked_resident, shown_bond
from api.registry.models import Bond, BondKind, Household, Resident
from api.registry.queries import household_of, open_bonds
from api.registry.resident_schemas import ResidentRead, ResidentSearch
from api.registry.schemas import BondHistory, Coverage, CoverageRow, HouseholdListed


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdFilter:
    """Which households are listed."""

    grid_id: UUID | None
    name: str | None
    lacking: BondKind | None
    worker_id: UUID | None
    left: bool


async def list_households(
    session: AsyncSession, wanted: HouseholdFilter, page: PageRequest
) -> Page[HouseholdListed]:
    """Households in the order of their numbers, with who stands for each."""
    statement = select(Household).where(
        *await below_grid(session, wanted.grid_id, col(Household.reach), pointer="/query/grid_id"),
        col(Household.discarded_at).is_(None),
        col(Household.left_on).is_not(None) if wanted.left else col(Household.left_on).is_(None),
    )
    if wanted.name is not None:
        statement = statement.where(col(Household.name).contains(wanted.name, autoescape=True))
    if wanted.lacking is not None:
        statement = statement.where(_standing(col(Bond.kind) == wanted.lacking).is_(False))
    if wanted.worker_id is not None:
        statement = statement.where(_standing(col(Bond.worker_id) == wanted.worker_id).is_(True))
    rows = await read_page(session, statement, [col(Household.number)], page, present=as_it_is)
    bonds = await open_bonds(session, [household.id for household in rows.items])
    items = [listed_household(session, row, bonds.get(row.id, [])) for row in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor)


def _standing(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Somebody of this description stands for the household.

    Asked `IS TRUE` or `IS FALSE` it stays one hashed list: behind row security the planner takes
    every reach for a handful of rows, and would join thousands of households to bonds in a loop.
    """
    answered_for = select(col(Bond.household_id)).where(which, col(Bond.ended_at).is_(None))
    return col(Household.id).in_(answered_for)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentFilter:
    """Which residents are listed; what identifies a person is searched for in a body instead."""

    grid_id: UUID | None
    mobility_limited: bool | None
    lives_alone: bool | None
    is_party_member: bool | None
    minor: bool | None
    left: bool


async def list_residents(
    session: AsyncSession, wanted: ResidentFilter, page: PageRequest
) -> Page[ResidentRead]:
    """Residents of a place with what the field asks for: 行动不便、独居、党员、未成年 (M2.1)."""
    statement = select(Resident).where(
        *await below_grid(session, wanted.grid_id, col(Resident.reach), pointer="/query/grid_id"),
        col(Resident.left_on).is_not(None) if wanted.left else col(Resident.left_on).is_(None),
    )
    for name in ("mobility_limited", "lives_alone", "is_party_member"):
        value: bool | None = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(Resident, name)).is_(value))
    if wanted.minor is not None:
        born = col(Resident.birth_date)
        statement = statement.where(
            born > _adult_since() if wanted.minor else born <= _adult_since()
        )
    return await _residents(session, statement, page)


async def search_residents(
    session: AsyncSession, wanted: ResidentSearch, page: PageRequest
) -> Page[ResidentRead]:
    """Find residents by part of a name, by exact phone, by exact document; also who has left."""
    if wanted.name is None and wanted.phone is None and wanted.document is None:
        raise InvalidInput("请至少填写姓名、电话、证件号码中的一项。", pointer="/body")
    keyring = keyring_of(session)
    statement = select(Resident).where(
        *await below_grid(session, wanted.grid_id, col(Resident.reach), pointer="/body/grid_id")
    )
    if wanted.name is not None:
        statement = statement.where(col(Resident.name).contains(wanted.name, autoescape=True))
    if wanted.phone is not None:
        sought = keyring.lookup(wanted.phone, context="phone")
        statement = statement.where(col(Resident.phone_lookup) == sought)
    if wanted.document is not None:
        sought = document_lookup(keyring, wanted.document_kind, wanted.document)
        if sought is None:
            raise InvalidInput("户口簿号一户共用，请用姓名或电话查找。", pointer="/body/document")
        statement = statement.where(col(Resident.document_lookup) == sought)
    return await _residents(session, statement, page)


async def _residents(
    session: AsyncSession, statement: Select[Resident], page: PageRequest
) -> Page[ResidentRead]:
    # By id: a cursor stands in an address, and a name must not.
    return await read_page(
        session,
        statement.where(col(Resident.discarded_at).is_(None)),
        [col(Resident.id)],
        page,
        present=lambda resident: masked_resident(session, resident),
    )


def _adult_since() -> date:
    """Who was born on this day or before is of age today."""
    today = clock.today()
    try:
        return today.replace(year=today.year - MAJORITY)
    except ValueError:  # 29 February
        return date(today.year - MAJORITY, 2, 28)


# Expected minus done, counted apart and never joined row by row: who is bound is read off the
# bonds alone, whose reach names the grid; those of a household that left have ended.
_COVERAGE = text("""
    WITH expected AS (
        SELECT grid_id, count(*) AS households FROM households
        WHERE left_on IS NULL AND discarded_at IS NULL GROUP BY grid_id
    ), bound AS (
        SELECT reach, bool_or(kind = 'party_member') AS party_member,
            bool_or(kind = 'grid_worker') AS grid_worker,
            bool_or(kind = 'representative') AS representative
        FROM bonds WHERE ended_at IS NULL GROUP BY reach
    ), done AS (
        SELECT regexp_replace(reach, '[.][^.]*$', '') AS path,
            count(*) FILTER (WHERE party_member) AS with_party_member,
            count(*) FILTER (WHERE grid_worker) AS with_grid_worker,
            count(*) FILTER (WHERE representative) AS with_representative,
            count(*) FILTER (WHERE party_member AND grid_worker AND representative) AS complete
        FROM bound GROUP BY 1
    ), own AS (
        SELECT g.path, households, with_party_member, with_grid_worker, with_representative,
            coalesce(complete, 0) AS complete
        FROM grids g JOIN expected e ON e.grid_id = g.id LEFT JOIN done d ON d.path = g.path
    )
    SELECT g.id AS grid_id, g.code AS grid_code, g.name AS grid_name, g.level,
        coalesce(sum(households), 0)::int AS households,
        coalesce(sum(with_party_member), 0)::int AS with_party_member,
        coalesce(sum(with_grid_worker), 0)::int AS with_grid_worker,
        coalesce(sum(with_representative), 0)::int AS with_representative,
        coalesce(sum(complete), 0)::int AS complete,
        coalesce(sum(households - complete), 0)::int AS lacking
    FROM grids g LEFT JOIN own ON own.path = g.path OR starts_with(own.path, g.path || '.')
    WHERE g.closed_at IS NULL
        AND (CAST(:top AS uuid) IS NULL OR EXISTS (
            SELECT FROM grids top
            WHERE top.id = :top AND (g.path = top.path OR starts_with(g.path, top.path || '.'))
        ))
    GROUP BY g.id ORDER BY g.path
""")


async def read_coverage(session: AsyncSession, grid: UUID | None) -> Coverage:
    """How far “1+1+1” is complete, grid by grid, in one statement; the upper ones have all below.

    Raises `NotFound` for a grid out of reach.
    """
    rows = (await session.execute(_COVERAGE, {"top": grid})).mappings().all()
    if grid is not None and not rows:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/query/grid_id")
    return Coverage(grids=[CoverageRow.model_validate(dict(row)) for row in rows])


async def bond_history(session: AsyncSession, household: UUID) -> BondHistory:
    """Who stands and who stood for a household, the latest first; raises `NotFound`."""
    await household_of(session, household)
    statement = select(Bond).where(col(Bond.household_id) == household)
    rows = await session.scalars(statement.order_by(col(Bond.began_at).desc(), col(Bond.id)))
    return BondHistory(items=[shown_bond(bond) for bond in rows])
