"""A grid with thousands of households and every kind of record, inserted by the owner in bulk."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel import SQLModel

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.corrections import Revision
from api.foundation.database import cell_schema
from api.foundation.identity import Sex
from api.foundation.records import Source, new_id, row_body, table_of
from api.protocols.models import ManagementCategory, WhereaboutsKind
from api.quarantines.models import (
    CareSeat,
    PlaceKind,
    Quarantine,
    QuarantineReason,
    QuarantineStatus,
    Whereabouts,
)
from api.readings.models import Method, Reading, Site, Timing
from api.registry.models import Bond, BondKind, Household, Registration, Relation, Resident
from api.visits.models import Visit, VisitMode, VisitOutcome
from tests.cast import TOWNSHIP, Town, grid_id, id_of

_NOBODY = UUID(int=0)


@asynccontextmanager
async def owner(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """The owner of the cell's tables, whom no reach binds and who is no superuser."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
        yield connection
    finally:
        await connection.close()


def household_id(number: int) -> UUID:
    """The id of the crowd's household with this number (PostgreSQL makes it of the same text)."""
    return UUID(f"00000000-0000-7000-8000-{number:012d}")


async def settle(
    connection: asyncpg.Connection, place: str, *, first: int, households: int, quarantined: int = 0
) -> None:
    """Fill the grid at `place`: a resident, a bond and a visit for each household, one revision of
    each, and a quarantine with a seat, whereabouts and a reading for the first ones.
    """
    grid = await connection.fetchval("SELECT id FROM grids WHERE path = $1", place)
    care, monitoring = [
        await connection.fetchval(f"SELECT id FROM {table} LIMIT 1")
        for table in ("care_team_policies", "monitoring_policies")
    ]
    everyone, some = range(first, first + households), range(first, first + quarantined)
    recorded = _recorded()
    of_home = {"grid_id": grid, **recorded}
    await _sow(connection, Household(number=0, name="户", **of_home), place, everyone)
    await _sow(connection, _resident(of_home), place, everyone)
    await _sow(connection, _bond(), place, everyone)
    await _sow(connection, _visit(of_home), place, everyone)
    await _sow(connection, _revision(), place, everyone)
    await _sow(connection, _quarantine(of_home, care, monitoring), place, some)
    await _sow(connection, _seat(), place, some)
    await _sow(connection, _whereabouts(recorded), place, some)
    await _sow(connection, _reading(of_home), place, some)


_KINDS = {
    "households": 0,
    "residents": 1,
    "bonds": 2,
    "visits": 3,
    "revisions": 4,
    "quarantines": 5,
    "care_seats": 6,
    "whereabouts": 7,
    "readings": 8,
}
_REFERS = {"household_id": 0, "resident_id": 1, "quarantine_id": 5, "record_id": 0}


async def _sow(
    connection: asyncpg.Connection, sample: SQLModel, place: str, numbers: range
) -> None:
    """Insert one row of the sample's table for each number, about the household of that number."""
    table = table_of(type(sample))
    refers = [name for name in _REFERS if name in table.c and getattr(sample, name) is not None]
    identities = {"id": _KINDS[table.name], **{name: _REFERS[name] for name in refers}}
    members = [f"'{name}', {_identity(kind)}" for name, kind in identities.items()]
    members += [f"'reach', '{place}.h' || n"]
    members += ["'number', n"] if "number" in table.c else []
    members += ["'changed_xid', pg_current_xact_id()::text"] if "changed_xid" in table.c else []
    await connection.execute(
        f"INSERT INTO {table.name} SELECT made.* "
        "FROM generate_series($2::integer, $3::integer) AS n, "
        f"jsonb_populate_record(NULL::{table.name}, "
        f"$1::jsonb || jsonb_build_object({', '.join(members)})) AS made",
        orjson.dumps(row_body(sample), default=str).decode(),
        numbers.start,
        numbers.stop - 1,
    )


def _identity(kind: int) -> str:
    return f"'0000000{kind}-0000-7000-8000-' || lpad(n::text, 12, '0')"


def _recorded() -> dict[str, Any]:
    now = clock.now()
    return {
        "id": _NOBODY,
        "reach": "",
        "recorded_at": now,
        "received_at": now,
        "performed_by": id_of("ming"),
        "entered_by": id_of("ming"),
        "source": Source.visit,
    }


def _resident(of_home: dict[str, Any]) -> Resident:
    return Resident(
        household_id=_NOBODY,
        name="居民𠮷",
        sex=Sex.female,
        relation=Relation.head,
        registration=Registration.registered,
        **of_home,
    )


def _bond() -> Bond:
    return Bond(
        id=_NOBODY,
        reach="",
        household_id=_NOBODY,
        kind=BondKind.grid_worker,
        worker_id=id_of("ming"),
        name="小明",
        began_at=clock.now(),
    )


def _visit(of_home: dict[str, Any]) -> Visit:
    return Visit(
        household_id=_NOBODY,
        mode=VisitMode.visit,
        outcome=VisitOutcome.met,
        purposes=["screening"],
        needs=[],
        visited_at=clock.now(),
        **of_home,
    )


def _revision() -> Revision:
    return Revision(
        id=_NOBODY,
        reach="",
        kind="visits",
        record_id=_NOBODY,
        version=0,
        body={},
        replaced_at=clock.now(),
        replaced_by=id_of("ming"),
    )


def _quarantine(of_home: dict[str, Any], care: UUID, monitoring: UUID) -> Quarantine:
    return Quarantine(
        resident_id=_NOBODY,
        household_id=_NOBODY,
        reason=QuarantineReason.close_contact,
        category=ManagementCategory.home_quarantine,
        place_kind=PlaceKind.home,
        started_on=clock.today(),
        planned_end_on=clock.today(),
        status=QuarantineStatus.active,
        care_policy_id=care,
        monitoring_policy_id=monitoring,
        **of_home,
    )


def _seat() -> CareSeat:
    return CareSeat(
        id=_NOBODY,
        reach="",
        quarantine_id=_NOBODY,
        household_id=_NOBODY,
        resident_id=_NOBODY,
        worker_id=id_of("he"),
        worker_name="何医生",
        role=Role.village_doctor,
        is_party_member=False,
        began_at=clock.now(),
    )


def _whereabouts(recorded: dict[str, Any]) -> Whereabouts:
    return Whereabouts(
        quarantine_id=_NOBODY, kind=WhereaboutsKind.at_home, since_at=clock.now(), **recorded
    )


def _reading(of_home: dict[str, Any]) -> Reading:
    return Reading(
        quarantine_id=_NOBODY,
        resident_id=_NOBODY,
        day=date(2022, 2, 15),
        window="morning",
        timing=Timing.on_time,
        value_c=36.5,
        method=Method.electronic,
        site=Site.axillary,
        symptoms=[],
        measured_at=clock.now(),
        abnormal=False,
        low=False,
        **of_home,
    )


async def places(connection: asyncpg.Connection, table: str) -> dict[str, int]:
    """How many rows of a table lie at each grid: the reach without its household."""
    rows = await connection.fetch(
        f"SELECT regexp_replace(reach, '\\.h[0-9]+$', '') AS place, count(*) AS many "
        f"FROM {table} GROUP BY 1"
    )
    return {row["place"]: row["many"] for row in rows}


async def path_of(connection: asyncpg.Connection, grid: UUID | str) -> str:
    """Where a grid lies now."""
    return await connection.fetchval("SELECT path FROM grids WHERE id = $1", UUID(str(grid)))


async def adrift(connection: asyncpg.Connection, tables: list[str]) -> list[str]:
    """The tables with a row whose reach is neither a grid's path nor its household's reach."""
    lost: list[str] = []
    for table in tables:
        many = await connection.fetchval(
            f"SELECT count(*) FROM (SELECT reach FROM {table} "
            "EXCEPT SELECT path FROM grids "
            "EXCEPT SELECT g.path || '.h' || h.number FROM households h "
            "JOIN grids g ON g.id = h.grid_id) AS nowhere"
        )
        lost += [table] if many else []
    return lost


async def a_grid(town: Town, parent: str | UUID, *, kind: str = "basic", **told: str) -> str:
    """Open a grid below a path or a grid, as the township's leader, and answer its id."""
    place = grid_id(parent) if isinstance(parent, str) else parent
    body = {"id": str(new_id()), "parent_id": str(place), "name": "新网格", "kind": kind, **told}
    response = await (await town.as_("zhou")).post("/v1/grids", json=body)
    assert response.status_code == 201, response.text
    return body["id"]
