"""Administrative divisions: imported by the operator, read by everyone who records an arrival."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, NoReturn

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.arrivals.codes import canonical, significant
from api.arrivals.division_files import DivisionsRefused, DivisionTold, Fault, read_divisions
from api.arrivals.division_schemas import DivisionRead
from api.arrivals.models import Division
from api.foundation.database import Connection
from api.foundation.pages import Page, PageRequest, read_page
from api.health_records.places import knows_divisions


class Imported(NamedTuple):
    """How many divisions were new, how many were changed, and how many were known just so."""

    new: int
    changed: int
    unchanged: int


class _Tried(Exception):
    """Leaves the transaction of a dry run, so that nothing of it is kept."""

    def __init__(self, imported: Imported) -> None:
        self.imported = imported


async def import_divisions(connection: Connection, raw: bytes, *, dry_run: bool) -> Imported:
    """Keep the divisions of a CSV file, whole or not at all; the same file again changes nothing.

    What the file does not name stays. A dry run tells what would be kept. Raises
    `DivisionsRefused` with a fault for every line that cannot be kept.
    """
    told = read_divisions(raw)
    try:
        async with connection.transaction():
            imported = await _keep(connection, told)
            return _tried(imported) if dry_run else imported
    except _Tried as tried:
        return tried.imported


def _tried(imported: Imported) -> NoReturn:
    raise _Tried(imported)


_UPSERT = """
    INSERT INTO public.divisions AS kept (code, name, full_name, parent_code)
    SELECT code, name, name, parent FROM unnest($1::text[], $2::text[], $3::text[])
        AS told (code, name, parent)
    ON CONFLICT (code) DO UPDATE
        SET name = excluded.name, parent_code = excluded.parent_code
        WHERE (kept.name, kept.parent_code) IS DISTINCT FROM (excluded.name, excluded.parent_code)
    RETURNING xmax = 0 AS new
"""

# The name of a province stands in the full names of its villages, also of those not told now.
_NAME_IN_FULL = """
    WITH RECURSIVE named AS (
        SELECT code, name::text AS told FROM public.divisions WHERE parent_code IS NULL
        UNION ALL
        SELECT d.code, named.told || d.name
        FROM public.divisions d JOIN named ON d.parent_code = named.code
    )
    UPDATE public.divisions d SET full_name = named.told
    FROM named WHERE named.code = d.code AND d.full_name <> named.told
"""


async def _keep(connection: Connection, told: Sequence[DivisionTold]) -> Imported:
    placed = await _with_parents(connection, told)
    parents = [parent for _, parent in placed]
    codes = [division.code for division, _ in placed]
    names = [division.name for division, _ in placed]
    kept = await connection.fetch(_UPSERT, codes, names, parents)
    await connection.execute(_NAME_IN_FULL)
    new = sum(row["new"] for row in kept)
    return Imported(new, len(kept) - new, len(told) - len(kept))


async def _with_parents(
    connection: Connection, told: Sequence[DivisionTold]
) -> list[tuple[DivisionTold, str | None]]:
    """Each division with its parent: the one it names, or the nearest known one that holds it."""
    named = {division.parent for division in told if division.parent}
    above = {code for division in told for code in _above(division.code)}
    rows = await connection.fetch(
        "SELECT code FROM public.divisions WHERE code = ANY($1)", list(named | above)
    )
    known = {division.code for division in told} | {row["code"] for row in rows}
    strays = [
        Fault(division.line, f"there is no division {division.parent}, here or imported before")
        for division in told
        if division.parent and division.parent not in known
    ]
    if strays:
        raise DivisionsRefused(strays)
    return [
        (each, each.parent or next((code for code in _above(each.code) if code in known), None))
        for each in told
    ]


def _above(code: str) -> list[str]:
    """The codes of the divisions that could hold this one, the nearest first."""
    own = significant(code)
    return [canonical(own[:length]) for length in (9, 6, 4, 2) if length < len(own)]


async def page_of_divisions(
    session: AsyncSession,
    page: PageRequest,
    *,
    prefix: str | None,
    parent: str | None,
    name: str | None,
) -> Page[DivisionRead]:
    """Divisions by code: those that lie in one, those right below one, those named so."""
    statement = select(Division)
    if prefix is not None:
        statement = statement.where(col(Division.code).startswith(significant(prefix)))
    if parent is not None:
        statement = statement.where(col(Division.parent_code) == canonical(parent))
    if name is not None:
        statement = statement.where(col(Division.full_name).contains(name, autoescape=True))
    present = DivisionRead.model_validate
    return await read_page(session, statement, [col(Division.code)], page, present=present)


@knows_divisions
async def known_divisions(session: AsyncSession, codes: Collection[str]) -> set[str]:
    """Of these codes, in any of their lengths, those that are divisions; all while none is told."""
    if await session.scalar(select(Division.code).limit(1)) is None:
        return set(codes)
    kept = select(Division.code).where(col(Division.code).in_({canonical(each) for each in codes}))
    known = set(await session.scalars(kept))
    return {each for each in codes if canonical(each) in known}
