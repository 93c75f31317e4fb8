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

from api import tables
from api.access.caller import entry_of
from api.access.permissions import permitted
from api.foundation import clock
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses
from api.foundation.problems import NotFound, NotSignedIn
from tests.builders import FOUR
from tests.cast import CAST, TOWNSHIP, Town, assert_problem, id_of
from tests.place import ATTEMPTED, Hands, Known, a_home, a_place, township_rules
from tests.rules.operations import ANY_VERSION, Operation
from tests.rules.shown import (
    ASKED_OF_A_PLACE,
    CONFIGURED,
    DUTY_COLUMNS,
    DUTY_SHOWS,
    NOT_OF_A_PLACE,
    NOT_OF_THE_DUTY,
    OF_A_RELEASED,
    OF_ONESELF,
    OF_THE_TOWNSHIP,
    SHIPPED,
)
from tests.rules.test_reach_is_guarded import FOR_ALL_OF_THE_TOWNSHIP

HOME = "t.01.01.01"
NEIGHBOURS = ("mei", "fan", "wei", "han", "qin")
"""Of the next grid and of the next village; without a duty in this one."""

DAY = clock.today() + timedelta(days=1)


def _at(hour: int) -> travel:
    return travel(datetime.combine(DAY, time(hour), clock.TOWNSHIP_ZONE), tick=False)


@pytest.fixture(scope="module", autouse=True)
def evening() -> Generator[None]:
    """Everything was told in the morning: half of the day's duties are missed by now."""
    with _at(20):
        yield


async def _this_morning(town: Town, name: str) -> httpx.AsyncClient:
    return town.client(await town.token_of(name))


async def _placed(town: Town, *team: str) -> Known:
    bonds = {"grid_worker_id": str(id_of("ming")), "party_member_id": str(id_of("pang"))}
    with _at(9):
        hands = Hands(*[await _this_morning(town, name) for name in ("lin", "shan", "gu")])
        home = await a_home(hands.lin, grid=HOME, address="柳村一组8号", **bonds)
        return await a_place(hands, home, team=team)


@pytest.fixture(scope="module")
async def mark(town: Town) -> str:
    """Where the events stand before anything of the place is told."""
    with _at(9):
        async with await _this_morning(town, "zhou") as zhou:
            await township_rules(zhou)
            return (await zhou.get("/v1/events/poll")).json()["next"]


@pytest.fixture(scope="module")
async def served(town: Town, mark: str) -> Known:
    """The place where He, doctor of the next village, has a seat for one person."""
    return await _placed(town, *FOUR)


@pytest.fixture(scope="module")
async def other(town: Town, mark: str) -> Known:
    """The house next door, where nobody from elsewhere is on duty and the team is missing."""
    return await _placed(town)


@pytest.fixture(scope="module")
async def ground(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    """The owner's view, which row security does not bind."""
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    await connection.execute(ATTEMPTED)
    yield connection
    await connection.close()


def _of_one(contract: list[Operation]) -> list[Operation]:
    of_one = [each for each in contract if each.method == "GET" and each.parameters("path")]
    return [each for each in of_one if each.name not in CONFIGURED]


def _of_many(contract: list[Operation]) -> list[Operation]:
    return [
        each
        for each in contract
        if each.method == "GET"
        and not each.parameters("path")
        and not each.is_public
        and each.name not in ASKED_OF_A_PLACE
    ]


def _may(name: str, operation: Operation) -> bool:
    person = next(each for each in CAST if each.name == name)
    held = permitted(person.role, person.path.count(".") + 1)
    return operation.permission is None or operation.permission in held


async def _first_listed(town: Town, operation: Operation) -> Known:
    path = operation.path.rpartition("/")[0]
    first: str = (await (await town.as_("zhou")).get(path)).json()["items"][0]["id"]
    return dict.fromkeys(operation.parameters("path"), first)


async def _address(town: Town, operation: Operation, known: Known) -> str:
    """Its address with seeded ids; an address of a new kind must be seeded here first."""
    if operation.name in OF_THE_TOWNSHIP:
        known = await _first_listed(town, operation)
    if operation.name in OF_A_RELEASED:
        known = known | {"quarantine_id": known["released_id"]}
    unknown = operation.parameters("path").keys() - known.keys()
    assert not unknown, f"{operation.name}: seed one and say its id here: {unknown}"
    return operation.url(**known)


async def _listed(
    client: httpx.AsyncClient, operation: Operation, mark: str, **asked: str
) -> httpx.Response:
    """A list as long as it gets; events since the mark, and a stream for no time at all."""
    most = {"limit": "500", "after": mark, "seconds": "0", **asked}
    known = operation.parameters("query").keys()
    told = {name: value for name, value in most.items() if name in known}
    return await client.get(operation.path, params=told)


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
    for operation in (each for each in _of_one(contract) if _may(above, each)):
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
        if operation.name not in SHIPPED:
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


async def test_every_list_tells_the_line_above_of_the_place(
    town: Town, contract: list[Operation], served: Known, other: Known, mark: str
):
    """Lin is shown the grids of her village, Zhou also what was done there."""
    telling: set[str] = set()
    for above in ("lin", "zhou"):
        client = await town.as_(above)
        for operation in (each for each in _of_many(contract) if _may(above, each)):
            answer = await _listed(client, operation, mark)
            assert answer.status_code == 200, (operation.name, answer.text)
            if any(each in answer.text for each in {*served.values(), *other.values()}):
                telling.add(operation.name)
    assert {each.name for each in _of_many(contract)} - telling == OF_ONESELF | NOT_OF_A_PLACE


@pytest.mark.parametrize("stranger", [*NEIGHBOURS, "bai"])
async def test_no_list_of_the_neighbour_tells_of_the_place(
    town: Town, contract: list[Operation], served: Known, other: Known, mark: str, stranger: str
):
    client = await town.as_(stranger)
    seeded = {*served.values(), *other.values()}
    for operation in _of_many(contract):
        answer = await _listed(client, operation, mark)
        assert answer.status_code in (200, 403), (operation.name, answer.text)
        assert not [each for each in seeded if each in answer.text], operation.name


async def test_the_lists_of_one_on_duty_tell_of_nobody_next_door(
    town: Town, contract: list[Operation], served: Known, other: Known, mark: str
):
    he = await town.as_("he")
    hidden = {*other.values()} - {*served.values()} | {served[name] for name in NOT_OF_THE_DUTY}
    told = ""
    for operation in (each for each in _of_many(contract) if _may("he", each)):
        answer = await _listed(he, operation, mark)
        assert answer.status_code == 200, (operation.name, answer.text)
        assert not [each for each in hidden if each in answer.text], operation.name
        told += answer.text
    assert served["quarantine_id"] in told


@pytest.mark.parametrize("neighbour", ["mei", "wei"])
async def test_a_list_narrowed_to_an_id_of_the_neighbour_is_empty_or_not_found(
    town: Town, contract: list[Operation], served: Known, mark: str, neighbour: str
):
    client = await town.as_(neighbour)
    wanted = served | {"performed_by": str(id_of("ming")), "subject_id": served["visit_id"]}
    for operation in (each for each in _of_many(contract) if _may(neighbour, each)):
        for name in operation.parameters("query").keys() & wanted.keys():
            answer = await _listed(client, operation, mark, **{name: wanted[name]})
            assert answer.status_code in (200, 404), (operation.name, name, answer.text)
            if answer.status_code == 200:
                said = answer.json()
                assert [] in (said.get("items"), said.get("grids")), (operation.name, name)


def _pointing_there(value: Any, known: Known) -> Any:
    """A body in which everything with the name of something seeded is that, each once."""
    if isinstance(value, list):
        return [_pointing_there(each, known) for each in value[:1]]
    if not isinstance(value, dict):
        return value
    grids = dict.fromkeys(("parent_id", "new_parent_id", "into_id"), known["grid_id"])
    linked = {"linked_quarantine_id": known["quarantine_id"]}
    lists = {f"{name}s": [each] for name, each in known.items()}
    there = {**known, **grids, **linked, **lists}
    return {name: there.get(name) or _pointing_there(value[name], known) for name in value}


@pytest.mark.parametrize("neighbour", ["mei", "wei", "he"])
async def test_the_neighbour_changes_nothing_there(
    town: Town, contract: list[Operation], served: Known, other: Known, neighbour: str
):
    """He has a seat for somebody next door, which opens nothing here either."""
    client, zhou = await town.as_(neighbour), await town.as_("zhou")
    addresses = [await _address(town, each, other) for each in _of_one(contract)]
    before = [(await zhou.get(path)).content for path in addresses]
    sent = 0
    for operation in (each for each in contract if each.method != "GET" and not each.is_public):
        plain = None if operation.body is None else operation.sample(operation.body)
        body = _pointing_there(plain, other)
        points_there = body != plain or operation.parameters("path").keys() & other.keys()
        if not _may(neighbour, operation) or not points_there or operation.sends_a_file:
            continue
        answer = await client.request(
            operation.method, operation.url(**other), json=body, headers=ANY_VERSION
        )
        sent += 1
        if answer.status_code == 200:  # a batch answers item by item
            said = answer.json()
            assert (said["created"], said["unchanged"]) == (0, 0), (operation.name, answer.text)
        else:
            assert answer.status_code in (403, 404), (operation.name, answer.text)
    assert sent >= 40
    assert [(await zhou.get(path)).content for path in addresses] == before


async def _tables(ground: asyncpg.Connection) -> dict[str, str]:
    """Every table of the township that lies in a reach, with the column that says where."""
    rows = await ground.fetch(
        "SELECT c.relname, c.relrowsecurity, array_agg(a.attname::text) AS columns FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace "
        "GROUP BY c.oid, c.relname, c.relrowsecurity"
    )
    reached = [row for row in rows if {"reach", "path"} & set(row["columns"])]
    assert {row["relname"] for row in rows if row not in reached} == FOR_ALL_OF_THE_TOWNSHIP
    assert [row["relname"] for row in reached if not row["relrowsecurity"]] == []
    return {row["relname"]: "reach" if "reach" in row["columns"] else "path" for row in reached}


def _key(table: str) -> str:
    """The column that tells one row of a table from another."""
    (key,) = tables.metadata.tables[table].primary_key
    return key.name


async def _rows(town: Town, name: str, table: str, column: str) -> set[Any]:
    """The rows of a table in the place that this person's transaction sees."""
    claims = town.app.state.keys.tokens.read(await town.token_of(name))
    async with town.database.connection(entry_of(claims, writing=False)) as connection:
        rows = await connection.fetch(_in_the_place(table, column), HOME)
    return {key for (key,) in rows}


def _in_the_place(table: str, column: str) -> str:
    return f"SELECT {_key(table)} FROM {table} WHERE {column} >= $1 AND {column} < $1 || '/'"


async def test_every_table_hides_the_place_from_outside_and_shows_it_to_the_line_above(
    town: Town, ground: asyncpg.Connection, served: Known, other: Known
):
    for table, column in (await _tables(ground)).items():
        every = {key for (key,) in await ground.fetch(_in_the_place(table, column), HOME)}
        assert every, f"{table}: seed a row in the place"
        for above in ("ming", "lin", "zhou"):
            assert await _rows(town, above, table, column) == every, table
        for neighbour in NEIGHBOURS:
            assert await _rows(town, neighbour, table, column) == set(), (table, neighbour)


async def test_every_table_shows_one_on_duty_exactly_the_rows_of_the_duty(
    town: Town, ground: asyncpg.Connection, served: Known, other: Known
):
    placed = await _tables(ground)
    assert DUTY_COLUMNS.keys() <= placed.keys()
    for table, column in placed.items():
        of_duty: set[Any] = set()
        if table in DUTY_COLUMNS:
            whose, known = DUTY_COLUMNS[table]
            found = await ground.fetch(
                f"SELECT {_key(table)} FROM {table} WHERE {whose} = $1", UUID(served[known])
            )
            of_duty = {key for (key,) in found}
            assert of_duty, f"{table}: seed a row of the duty"
        assert await _rows(town, "he", table, column) == of_duty, table
