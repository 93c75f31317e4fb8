"""One of everything in 柳村一组, looked at from outside: by address, in lists, in the tables.

Both the contract and the catalogue of tables are walked whole, so that what is added later and is
not protected fails here.
"""

from collections.abc import AsyncGenerator, Generator
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from time_machine import travel

from api.access.caller import entry_of
from api.access.permissions import permitted
from api.foundation import clock
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses
from api.foundation.problems import NotFound, NotSignedIn
from api.foundation.records import new_id
from tests.builders import FOUR, a_household, a_quarantine, a_visit
from tests.cast import CAST, TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.rules.operations import ANY_VERSION, Operation

HOME = "t.01.01.01"
NEIGHBOURS = ("mei", "fan", "wei", "han", "qin")
"""Of the next grid and of the next village; without a duty in this one."""

OF_THE_TOWNSHIP = {"read_care_team_policy", "read_monitoring_policy"}
OF_ONESELF = {"read_me", "list_sessions"}
NOT_OF_A_PLACE = {"list_care_team_policies", "list_monitoring_policies"}
SHARED_TABLES = {"care_team_policies", "monitoring_policies", "retired_codes", "alembic_version"}
"""Tables of a township that say nothing of a place or a person."""

DUTY_SHOWS = {
    "read_household",
    "list_bonds",
    "read_resident",
    "read_quarantine",
    "read_team",
    "list_whereabouts",
    "read_temperature_sheet",
    "read_reading",
    "read_reading_history",
}
DUTY_COLUMNS = {
    "households": ("id", "household_id"),
    "residents": ("id", "resident_id"),
    "bonds": ("household_id", "household_id"),
    "quarantines": ("id", "quarantine_id"),
    "care_seats": ("quarantine_id", "quarantine_id"),
    "whereabouts": ("quarantine_id", "quarantine_id"),
    "readings": ("quarantine_id", "quarantine_id"),
    "readings_not_taken": ("quarantine_id", "quarantine_id"),
    "revisions": ("duty_id", "quarantine_id"),
}
"""By which column a row belongs to the person of the duty; of all other tables, duty shows none."""

Known = dict[str, str]
"""The ids of what was seeded, by the name that the contract's addresses have for them."""


async def _said(client: httpx.AsyncClient, method: str, path: str, **told: Any) -> dict[str, Any]:
    response = await client.request(method, path, headers=ANY_VERSION, **told)
    assert response.status_code in (200, 201), response.text
    return response.json()


async def _colleague(lin: httpx.AsyncClient) -> Known:
    """Somebody registered in 柳村一组, with a post there and an account."""
    worker, post, grid = str(new_id()), str(new_id()), str(grid_id(HOME))
    person = {"id": worker, "name": "卢志愿", "grid_id": grid}
    await _said(lin, "POST", "/v1/workers", json=person)
    duty = {"id": post, "worker_id": worker, "grid_id": grid, "role": "volunteer"}
    await _said(lin, "POST", "/v1/posts", json=duty)
    account = {"name": f"lu-{worker[-6:]}", "initial_password": "Qingshan-lvshui-2022"}
    await _said(lin, "POST", f"/v1/workers/{worker}/account", json=account)
    return {"worker_id": worker, "post_id": post}


async def _place(lin: httpx.AsyncClient, *, team: tuple[str, ...]) -> Known:
    """A household whose first resident is in quarantine, with one of each record, all corrected."""
    home = await a_household(
        lin,
        grid=HOME,
        address="柳村一组8号",
        grid_worker_id=str(id_of("ming")),
        party_member_id=str(id_of("pang")),
    )
    await _said(lin, "PATCH", f"/v1/households/{home['id']}", json={"note": "门前有狗"})
    visit = await a_visit(lin, home, outcome="refused")
    why = {"reason": "看错门牌"}
    await _said(lin, "PATCH", f"/v1/visits/{visit['id']}", json=why | {"needs": ["masks"]})
    person = home["residents"][0]["id"]
    quarantine = await a_quarantine(lin, resident=person, team=team)
    reading = {"id": str(new_id()), "quarantine_id": quarantine["id"], "value_c": 36.5}
    await _said(lin, "POST", "/v1/readings", json=reading | {"window": "morning"})
    await _said(lin, "PATCH", f"/v1/readings/{reading['id']}", json=why | {"value_c": 36.6})
    absent = [{"quarantine_id": quarantine["id"], "not_measured": "refused"}]
    told = {"id": str(new_id()), "window": "evening", "exceptions": absent}
    await _said(lin, "POST", "/v1/rounds", json=told)
    return {
        "grid_id": str(grid_id(HOME)),
        "household_id": home["id"],
        "resident_id": person,
        "visit_id": visit["id"],
        "quarantine_id": quarantine["id"],
        "reading_id": reading["id"],
    }


@pytest.fixture(scope="module", autouse=True)
def evening() -> Generator[None]:
    """Half of the day's temperatures are due by now, so that something can be missing."""
    day = clock.today() + timedelta(days=1)
    with travel(datetime.combine(day, time(20), clock.TOWNSHIP_ZONE), tick=False):
        yield


@pytest.fixture(scope="module")
async def served(town: Town) -> Known:
    """The place where He, doctor of the next village, has a seat for one person."""
    lin = await town.as_("lin")
    return await _colleague(lin) | await _place(lin, team=FOUR)


@pytest.fixture(scope="module")
async def other(town: Town) -> Known:
    """The house next door, where nobody from elsewhere is on duty and the team is missing."""
    lin = await town.as_("lin")
    return await _colleague(lin) | await _place(lin, team=())


@pytest.fixture(scope="module")
async def ground(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    """The owner's view, which row security does not bind."""
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    yield connection
    await connection.close()


def _of_one(contract: list[Operation]) -> list[Operation]:
    return [each for each in contract if each.method == "GET" and each.parameters("path")]


def _of_many(contract: list[Operation]) -> list[Operation]:
    return [
        each
        for each in contract
        if each.method == "GET" and not each.parameters("path") and not each.is_public
    ]


def _may(name: str, operation: Operation) -> bool:
    person = next(each for each in CAST if each.name == name)
    held = permitted(person.role, person.path.count(".") + 1)
    return operation.permission is None or operation.permission in held


async def _policies(town: Town, operation: Operation) -> Known:
    path = operation.path.rpartition("/")[0]
    kept = (await (await town.as_("zhou")).get(path)).json()["items"]
    return {"policy_id": kept[0]["id"]}


async def _address(town: Town, operation: Operation, known: Known) -> str:
    """Its address with seeded ids; an address of a new kind must be seeded here first."""
    if operation.name in OF_THE_TOWNSHIP:
        known = await _policies(town, operation)
    unknown = operation.parameters("path").keys() - known.keys()
    assert not unknown, f"{operation.name}: seed one and say its id here: {unknown}"
    return operation.url(**known)


async def test_nobody_reads_anything_by_its_address(
    town: Town, contract: list[Operation], served: Known
):
    for operation in _of_one(contract):
        path = await _address(town, operation, served)
        assert_problem(await town.nobody().get(path), NotSignedIn)


@pytest.mark.parametrize("above", ["lin", "li", "zhou"])
async def test_the_line_above_reads_everything_by_its_address(
    town: Town, contract: list[Operation], served: Known, above: str
):
    client = await town.as_(above)
    for operation in _of_one(contract):
        answer = await client.get(await _address(town, operation, served))
        assert answer.status_code == 200, (operation.name, answer.text)


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
async def test_the_neighbour_finds_nothing_by_its_address(
    town: Town, contract: list[Operation], served: Known, other: Known, neighbour: str
):
    client = await town.as_(neighbour)
    for operation in (each for each in _of_one(contract) if _may(neighbour, each)):
        for known in (served, other):
            answer = await client.get(await _address(town, operation, known))
            if operation.name in OF_THE_TOWNSHIP:
                assert answer.status_code == 200, (operation.name, answer.text)
            else:
                assert_problem(answer, NotFound)


async def test_another_township_finds_nothing_by_its_address(
    town: Town, contract: list[Operation], served: Known
):
    bai = await town.as_("bai")
    for operation in _of_one(contract):
        if operation.name not in OF_THE_TOWNSHIP:  # both began with the same rules
            assert_problem(await bai.get(await _address(town, operation, served)), NotFound)


async def test_one_on_duty_from_elsewhere_reads_what_belongs_to_the_duty_and_nothing_else(
    town: Town, contract: list[Operation], served: Known, other: Known
):
    he = await town.as_("he")
    mine = [each for each in _of_one(contract) if _may("he", each)]
    shown = {
        operation.name
        for operation in mine
        if (await he.get(await _address(town, operation, served))).status_code == 200
    }
    assert shown == DUTY_SHOWS | OF_THE_TOWNSHIP
    for operation in mine:
        if operation.name not in OF_THE_TOWNSHIP:
            assert_problem(await he.get(await _address(town, operation, other)), NotFound)


async def test_every_list_of_the_township_tells_of_the_place(
    town: Town, contract: list[Operation], served: Known, other: Known
):
    zhou = await town.as_("zhou")
    for operation in _of_many(contract):
        answer = await zhou.get(operation.path, params={"limit": 500})
        assert answer.status_code == 200, (operation.name, answer.text)
        tells = any(each in answer.text for each in {*served.values(), *other.values()})
        assert tells is (operation.name not in OF_ONESELF | NOT_OF_A_PLACE), operation.name


@pytest.mark.parametrize("stranger", [*NEIGHBOURS, "bai"])
async def test_no_list_of_the_neighbour_tells_of_the_place(
    town: Town, contract: list[Operation], served: Known, other: Known, stranger: str
):
    client = await town.as_(stranger)
    seeded = {*served.values(), *other.values()}
    for operation in _of_many(contract):
        answer = await client.get(operation.path)
        assert answer.status_code in (200, 403), (operation.name, answer.text)
        assert not [each for each in seeded if each in answer.text], operation.name


async def test_the_lists_of_one_on_duty_tell_of_nobody_next_door(
    town: Town, contract: list[Operation], served: Known, other: Known
):
    he = await town.as_("he")
    hidden = {*other.values()} - {*served.values()}
    told = ""
    for operation in (each for each in _of_many(contract) if _may("he", each)):
        answer = await he.get(operation.path)
        assert answer.status_code == 200, (operation.name, answer.text)
        assert not [each for each in hidden if each in answer.text], operation.name
        told += answer.text
    assert served["quarantine_id"] in told


@pytest.mark.parametrize("neighbour", ["mei", "wei"])
async def test_a_list_narrowed_to_an_id_of_the_neighbour_is_empty_or_not_found(
    town: Town, contract: list[Operation], served: Known, neighbour: str
):
    client = await town.as_(neighbour)
    wanted = served | {"performed_by": str(id_of("ming")), "subject_id": served["visit_id"]}
    for operation in (each for each in _of_many(contract) if _may(neighbour, each)):
        for name in operation.parameters("query").keys() & wanted.keys():
            answer = await client.get(operation.path, params={name: wanted[name]})
            assert answer.status_code in (200, 404), (operation.name, name, answer.text)
            if answer.status_code == 200:
                said = answer.json()
                assert [] in (said.get("items"), said.get("grids")), (operation.name, name)


def _pointing_there(value: Any, known: Known) -> Any:
    """A body in which everything with the name of something seeded is that."""
    if isinstance(value, list):
        return [_pointing_there(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    grids = dict.fromkeys(("parent_id", "new_parent_id", "into_id"), known["grid_id"])
    there = known | grids
    return {name: there.get(name) or _pointing_there(value[name], known) for name in value}


@pytest.mark.parametrize("neighbour", ["mei", "wei"])
async def test_the_neighbour_changes_nothing_there(
    town: Town, contract: list[Operation], served: Known, neighbour: str
):
    client, zhou = await town.as_(neighbour), await town.as_("zhou")
    addresses = [await _address(town, each, served) for each in _of_one(contract)]
    before = [(await zhou.get(path)).json() for path in addresses]
    sent = 0
    for operation in (each for each in contract if each.method != "GET" and not each.is_public):
        plain = None if operation.body is None else operation.sample(operation.body)
        body = _pointing_there(plain, served)
        points_there = body != plain or operation.parameters("path").keys() & served.keys()
        if not _may(neighbour, operation) or not points_there:
            continue
        answer = await client.request(
            operation.method, operation.url(**served), json=body, headers=ANY_VERSION
        )
        sent += 1
        if answer.status_code == 200:  # a batch answers item by item
            said = answer.json()
            assert (said["created"], said["unchanged"]) == (0, 0), (operation.name, answer.text)
        else:
            assert answer.status_code in (403, 404), (operation.name, answer.text)
    assert sent >= 10
    assert [(await zhou.get(path)).json() for path in addresses] == before


async def _tables(ground: asyncpg.Connection) -> dict[str, str]:
    """Every table of the township that lies in a reach, with the column that says where."""
    rows = await ground.fetch(
        "SELECT c.relname, c.relrowsecurity, array_agg(a.attname::text) AS columns FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace "
        "GROUP BY c.oid, c.relname, c.relrowsecurity"
    )
    reached = [row for row in rows if {"reach", "path"} & set(row["columns"])]
    assert {row["relname"] for row in rows if row not in reached} <= SHARED_TABLES
    assert [row["relname"] for row in reached if not row["relrowsecurity"]] == []
    return {row["relname"]: "reach" if "reach" in row["columns"] else "path" for row in reached}


async def _rows(town: Town, name: str, table: str, column: str) -> set[UUID]:
    """The rows of a table in the place that this person's transaction sees."""
    claims = town.app.state.keys.tokens.read(await town.token_of(name))
    async with town.database.connection(entry_of(claims, writing=False)) as connection:
        rows = await connection.fetch(
            f"SELECT id FROM {table} WHERE {column} >= $1 AND {column} < $2", HOME, f"{HOME}/"
        )
    return {row["id"] for row in rows}


async def test_every_table_hides_the_place_from_outside_and_shows_it_to_the_line_above(
    town: Town, ground: asyncpg.Connection, served: Known, other: Known
):
    for table, column in (await _tables(ground)).items():
        every = await ground.fetch(
            f"SELECT id FROM {table} WHERE {column} >= $1 AND {column} < $2", HOME, f"{HOME}/"
        )
        assert every, f"{table}: seed a row in the place"
        for above in ("ming", "lin", "zhou"):
            assert await _rows(town, above, table, column) == {row["id"] for row in every}, table
        for neighbour in NEIGHBOURS:
            assert await _rows(town, neighbour, table, column) == set(), (table, neighbour)


async def test_every_table_shows_one_on_duty_exactly_the_rows_of_the_duty(
    town: Town, ground: asyncpg.Connection, served: Known, other: Known
):
    tables = await _tables(ground)
    assert DUTY_COLUMNS.keys() <= tables.keys()
    for table, column in tables.items():
        of_duty: set[UUID] = set()
        if table in DUTY_COLUMNS:
            whose, known = DUTY_COLUMNS[table]
            found = await ground.fetch(
                f"SELECT id FROM {table} WHERE {whose} = $1", UUID(served[known])
            )
            of_duty = {row["id"] for row in found}
            assert of_duty, f"{table}: seed a row of the duty"
        assert await _rows(town, "he", table, column) == of_duty, table
