"""The table of divisions: read as it is handed over, imported whole or not at all, looked up."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.arrivals.division_files import DivisionsRefused, example_divisions, read_divisions
from api.arrivals.divisions import Imported, import_divisions
from api.cli import main
from api.foundation.embedded import Addresses
from api.foundation.problems import InvalidInput, NotPermitted, NotSignedIn
from tests.builders import a_household, an_arrival
from tests.cast import Town, assert_problem

DIVISIONS = "/v1/divisions"
TABLE = "code,name,parent\n99,远岭省,\n9901,近江市,99\n990102,小河县,9901\n"


def table(*lines: str) -> bytes:
    return "\n".join(["code,name,parent", *lines]).encode()


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(addresses.owner)
    yield connection
    await connection.execute("DELETE FROM public.divisions WHERE code LIKE '99%'")
    await connection.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_table_is_read_in_the_encodings_of_the_field(encoding: str):
    told = read_divisions(TABLE.replace("\n", "\r\n").encode(encoding))
    assert [(each.code, each.name, each.parent) for each in told] == [
        ("990000", "远岭省", None),
        ("990100", "近江市", "990000"),
        ("990102", "小河县", "990100"),
    ]


def test_the_columns_may_be_named_in_chinese_and_stand_in_any_order():
    told = read_divisions("名称,上级代码,备注,代码\n小河县, 990100 ,无,990102000000\n\n".encode())
    assert [each[1:] for each in told] == [("990102", "小河县", "990100")]


@pytest.mark.parametrize(
    ("raw", "line", "said"),
    [
        (b"", 1, "header"),
        (b"name,parent\n", 1, "header"),
        (b"code,name\n", 1, "no divisions"),
        (b"\xff\xff\x00", 1, "neither UTF-8 nor GBK"),
        (table("9.90E+11,某县,"), 2, "9.90E+11"),
        (table("99010,某县,"), 2, "99010"),
        (table("990102,,"), 2, "name"),
        (table(f"990102,{'长' * 41},"), 2, "name"),
        (table("990102,某县,", "", "990102000,又一县,"), 4, "line 2"),
        (table("990102,某县,9802"), 2, "does not lie in"),
        (table("990102,某县,990102"), 2, "does not lie in"),
        (table("990102,某县,近江市"), 2, "近江市"),
        (table("990102,某\x00县,"), 2, "can be printed"),
        (table(f'990102,"{"某县" * 70_000}'), 2, "not CSV"),
    ],
)
def test_every_fault_is_told_with_its_line(raw: bytes, line: int, said: str):
    with pytest.raises(DivisionsRefused) as refused:
        read_divisions(raw)
    assert [fault.line for fault in refused.value.faults] == [line]
    assert said in str(refused.value)
    assert f"line {line}:" in str(refused.value)


async def test_a_table_is_kept_whole_and_again_changes_nothing(owner: asyncpg.Connection):
    raw = TABLE.encode()
    assert await import_divisions(owner, raw, dry_run=True) == Imported(3, 0, 0)
    assert await _full_names(owner) == []
    assert await import_divisions(owner, raw, dry_run=False) == Imported(3, 0, 0)
    assert await import_divisions(owner, raw, dry_run=False) == Imported(0, 0, 3)
    assert await _full_names(owner) == ["远岭省", "远岭省近江市", "远岭省近江市小河县"]

    renamed = table("990100,新江市,990000")
    assert await import_divisions(owner, renamed, dry_run=False) == Imported(0, 1, 0)
    assert await _full_names(owner) == ["远岭省", "远岭省新江市", "远岭省新江市小河县"]


async def test_who_names_no_parent_is_placed_under_the_nearest_known_one(
    owner: asyncpg.Connection,
):
    await import_divisions(owner, TABLE.encode(), dry_run=False)
    later = table("990102203201,某村,", "990102203,某乡,", "990500101,某镇,")
    assert await import_divisions(owner, later, dry_run=False) == Imported(3, 0, 0)
    names = await _full_names(owner)
    assert "远岭省近江市小河县某乡某村" in names
    assert "远岭省某镇" in names


async def test_a_parent_that_is_nowhere_refuses_the_table_and_nothing_is_kept(
    owner: asyncpg.Connection,
):
    raw = table("990000,远岭省,", "990102,小河县,990100")
    with pytest.raises(DivisionsRefused, match="line 3: there is no division 990100"):
        await import_divisions(owner, raw, dry_run=False)
    assert await _full_names(owner) == []


async def _full_names(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch(
        "SELECT full_name FROM public.divisions WHERE code LIKE '99%' ORDER BY code"
    )
    return [row["full_name"] for row in rows]


async def test_the_service_reads_the_divisions_and_cannot_change_them(addresses: Addresses):
    connection = await asyncpg.connect(addresses.service)
    await connection.fetch("SELECT * FROM public.divisions")
    for statement in (
        "INSERT INTO public.divisions VALUES ('990000', '某省', '某省')",
        "UPDATE public.divisions SET name = '某省'",
        "DELETE FROM public.divisions",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


@pytest.fixture
async def imported(addresses: Addresses) -> None:
    """The small synthetic table that comes with the service."""
    connection = await asyncpg.connect(addresses.owner)
    await import_divisions(connection, example_divisions(), dry_run=False)
    await connection.close()


async def test_nobody_and_a_volunteer_look_up_no_divisions(town: Town):
    assert_problem(await town.nobody().get(DIVISIONS), NotSignedIn)
    assert_problem(await (await town.as_("ba")).get(DIVISIONS), NotPermitted)


async def test_divisions_are_looked_up_by_prefix_by_parent_and_by_name(town: Town, imported: None):
    ming = await town.as_("ming")
    assert await _names(ming, prefix="451026") == ["岭边县", "岭边镇", "云坡镇"]
    assert await _names(ming, prefix="451400000000") == await _names(ming, prefix="4514")
    assert await _names(ming, parent="451400") == ["竹溪县", "雾桥县"]
    assert await _names(ming, parent="451422201") == ["柳村", "榕村"]
    assert await _names(ming, q="竹溪县青竹乡柳") == ["柳村"]
    assert await _names(ming, q="100%") == []
    told = (await ming.get(DIVISIONS, params={"prefix": "451422201"})).json()["items"][0]
    assert told == {
        "code": "451422201",
        "name": "青竹乡",
        "full_name": "青岭省竹江市竹溪县青竹乡",
        "parent_code": "451422",
    }
    assert_problem(await ming.get(DIVISIONS, params={"prefix": "45102"}), InvalidInput)
    assert await _names(await town.as_("bai"), prefix="451422202") == ["白水乡"]


async def test_a_code_that_no_division_has_is_shown_and_refuses_nobody(town: Town, imported: None):
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    mistyped = [
        {"code": code, "from_on": "2026-01-01", "to_on": "2026-01-02"}
        for code in ("451206", "451026101", "451206")
    ]
    arrival = await an_arrival(ming, home, stays=mistyped, origin_code="999999000000")
    assert arrival["unknown_codes"] == ["999999", "451206"]
    listed = await ming.get("/v1/arrivals", params={"limit": 1})
    assert listed.json()["items"][0]["unknown_codes"] == ["999999", "451206"]


async def test_divisions_are_read_page_by_page(town: Town, imported: None):
    ming = await town.as_("ming")
    first = (await ming.get(DIVISIONS, params={"prefix": "44", "limit": 4})).json()
    cursor = first["next_cursor"]
    rest = (await ming.get(DIVISIONS, params={"prefix": "44", "cursor": cursor})).json()
    codes = [each["code"] for each in first["items"] + rest["items"]]
    assert codes == sorted(codes)
    assert len(codes) == 8


async def _names(client: Any, **wanted: str) -> list[str]:
    response = await client.get(DIVISIONS, params=wanted)
    assert response.status_code == 200, response.text
    return [item["name"] for item in response.json()["items"]]


def test_the_operator_imports_a_file(
    addresses: Addresses,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    monkeypatch.setenv("ONEGRID_DATABASE_URL", addresses.service)
    monkeypatch.setenv("ONEGRID_OWNER_DATABASE_URL", addresses.owner)
    file = tmp_path / "divisions.csv"
    file.write_bytes(table("980000,远山省,").replace(b"\n", b"\r\n"))

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["onegrid", "divisions", "import", str(file), *words])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    assert typed("--dry-run")[1] == "Would be kept: 1 new, 0 changed, 0 as they were.\n"
    assert typed()[1] == "Kept: 1 new, 0 changed, 0 as they were.\n"
    assert typed()[1] == "Kept: 0 new, 0 changed, 1 as they were.\n"
    file.write_bytes(table("98x,远山省,"))
    code, _, error = typed()
    assert code == 2
    assert "line 2: '98x' is not a code" in error
