"""Sheets of leads as the field fills them in: read, tried out, refused cell by cell."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from api.foundation.problems import (
    BodyTooLarge,
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
)
from api.leads.problems import SheetNotRead
from tests.builders import a_household, a_lead_batch, somebody, synthetic_resident
from tests.cast import Town, assert_problem, grid_id
from tests.leads.sheets import Rows, upload, workbook

HEADING = ("序号", "姓名", "联系电话", "身份证号", "现住址")
TEMPLATE = "/v1/lead-batches/template.xlsx"


def _row(at: int, *, address: str | None = None) -> list[Any]:
    who = somebody()
    return [at, who["name"], who["phone"], who["document"], address]


async def _leads(town: Town, batch: dict[str, Any]) -> list[dict[str, Any]]:
    query = {"batch_id": batch["id"], "limit": 500}
    return (await (await town.as_("zhou")).get("/v1/leads", params=query)).json()["items"]


async def test_nobody_and_no_grid_worker_uploads_leads(town: Town):
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    batch, content = await a_lead_batch(zhou), workbook([HEADING, _row(1)])
    assert_problem(await upload(town.nobody(), batch, content), NotSignedIn)
    assert_problem(await upload(await town.as_("ming"), batch, content), NotPermitted)
    assert_problem(await upload(lin, batch, content), NotFound)
    assert await _leads(town, batch) == []


async def test_the_template_is_one_that_reading_understands(town: Town):
    zhou = await town.as_("zhou")
    got = await zhou.get(TEMPLATE)
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert_problem(await town.nobody().get(TEMPLATE), NotSignedIn)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(got.content)).get_sheet_by_index(0).to_python()
    titles = [str(title) for title in rows[0]]
    filled = dict.fromkeys(titles, "") | {"姓名": "黄小妹", "联系电话": "13912340001"}
    filled |= {"涉疫情形": "密切接触者", "线索来源": "大数据比对", "涉疫日期": "2022-02-04"}
    again = workbook([*rows, [filled[title] for title in titles]])
    told = (await upload(zhou, await a_lead_batch(zhou), again)).json()
    assert [column["field"] for column in told["columns"]].count(None) == 0
    assert [row["outcome"] for row in told["rows"]] == ["ignored", "created"]
    lead = (await zhou.get(f"/v1/leads/{told['rows'][1]['lead_id']}")).json()["lead"]
    assert (lead["claimed"], lead["lead_source"]) == ("close_contact", "big_data")
    assert (lead["claimed_on"], lead["row_number"], lead["source"]) == ("2022-02-04", 3, "excel")


async def test_a_trial_says_what_a_real_run_does_and_writes_nothing(town: Town):
    zhou = await town.as_("zhou")
    person = synthetic_resident()
    home = await a_household(await town.as_("ming"), grid="t.01.01.01", residents=[person])
    rows = [
        HEADING,
        [1, person["name"], person["phone"], person["document"], None],
        _row(2, address="柳村二组5号"),
        [3, "坏电话", "123", None, None],
        _row(4),
    ]
    batch, content = await a_lead_batch(zhou), workbook(rows)
    audited = await _audited(town, batch)
    trial = await upload(zhou, batch, content, dry_run=True)
    assert trial.status_code == 200, trial.text
    assert await _leads(town, batch) == []
    assert await _audited(town, batch) == audited
    real = (await upload(zhou, batch, content)).json()
    assert real == trial.json() | {"dry_run": False}
    assert (real["created"], real["refused"], real["sheet"]) == (3, 1, "线索")
    first, second, third, fourth = real["rows"]
    assert (first["resident_id"], first["matched_how"]) == (person["id"], "document")
    assert (first["grid_id"], first["assigned_how"]) == (home["grid_id"], "household")
    assert (second["grid_id"], second["assigned_how"]) == (str(grid_id("t.01.01.02")), "address")
    assert third["errors"] == [
        {"column": "C", "title": "联系电话", "detail": third["errors"][0]["detail"]}
    ]
    assert "电话号码不对" in third["errors"][0]["detail"]
    assert (fourth["assigned_how"], fourth["row"]) == (None, 5)
    assert {lead["row_number"] for lead in await _leads(town, batch)} == {2, 3, 5}


async def _audited(town: Town, batch: dict[str, Any]) -> list[str]:
    query = {"subject_id": batch["id"]}
    found = await (await town.as_("zhou")).get("/v1/audit-entries", params=query)
    return [entry["action"] for entry in found.json()["items"]]


async def test_the_same_sheet_again_changes_nothing_wherever_its_rows_stand(town: Town):
    zhou = await town.as_("zhou")
    batch, rows = await a_lead_batch(zhou), [_row(1), _row(2)]
    first = (await upload(zhou, batch, workbook([HEADING, *rows]))).json()
    assert first["created"] == 2
    moved = [("竹溪县第3批线索",), HEADING, _row(3), *rows, rows[0]]
    again = (await upload(zhou, batch, workbook(moved))).json()
    assert (again["created"], again["unchanged"]) == (1, 3)
    same = [(row["row"], row["same_as_row"]) for row in again["rows"]]
    assert same == [(3, None), (4, None), (5, None), (6, 4)]
    assert {row["lead_id"] for row in first["rows"]} < {row["lead_id"] for row in again["rows"]}
    assert len(await _leads(town, batch)) == 3
    elsewhere = (await upload(zhou, await a_lead_batch(zhou), workbook([HEADING, *rows]))).json()
    assert [row["duplicate"] for row in elsewhere["rows"]] == ["proposed", "proposed"]


async def test_an_identity_number_kept_as_a_number_is_refused_and_told_why(town: Town):
    zhou = await town.as_("zhou")
    whole = somebody()["document"]
    rows: Rows = [
        HEADING,
        [1, "甲某", "13912340011", 451422199001010012, None],
        [2, "乙某", "13912340012", "4.51422E+17", None],
        [3, "丙某", "13912340013", "451422199001010000", None],
        [4, "丁某", 13912340014, f" {whole[:17]}{whole[17].lower()} ", None],
    ]
    told = (await upload(zhou, await a_lead_batch(zhou), workbook(rows))).json()
    assert [row["outcome"] for row in told["rows"]] == ["refused", "refused", "refused", "created"]
    for row in told["rows"][:2]:
        (error,) = row["errors"]
        assert (error["column"], error["title"]) == ("D", "身份证号")
        assert "后几位已丢失" in error["detail"]
    assert "末三位为000" in told["rows"][2]["errors"][0]["detail"]


async def test_two_rows_of_heading_a_note_a_total_and_signatures_are_no_leads(town: Town):
    zhou = await town.as_("zhou")
    rows: Rows = [
        ("序号", "人员信息", "", "", "来源信息", ""),
        ("", "姓 名（必填）", "手机\n号码", "年龄", "数据来源", "返回前居住地"),
        ("", "必填", "填写11位", "选填", "选填", "填写到县"),
        (1, "蒙小花", "139-1234-0021", "35岁", "公安大数据推送", "德保县"),
        ("", "", "", "", "", ""),
        (2, "农小李", "13912340022、13912340023", 40, "疾控", "靖西市"),
        ("合计", 2, "", "", "", ""),
        ("填表人：", "周某", "", "", "审核人：", "李某"),
    ]
    content = workbook(rows, merged=["B1:D1", "E1:F1"])
    told = (await upload(zhou, await a_lead_batch(zhou), content)).json()
    outcomes = {row["row"]: row["outcome"] for row in told["rows"]}
    assert outcomes == {3: "ignored", 4: "created", 6: "created", 7: "ignored", 8: "ignored"}
    fields = [column["field"] for column in told["columns"]]
    assert fields == ["number", "name", "phone", "age", "lead_source", "origin_place"]
    ids = {row["row"]: row["lead_id"] for row in told["rows"]}
    first, second = [(await zhou.get(f"/v1/leads/{ids[at]}")).json()["lead"] for at in (4, 6)]
    assert (first["lead_source"], first["age"], first["has_claim"]) == ("big_data", 35, False)
    assert (second["lead_source"], second["origin_place"]) == ("other", "靖西市")
    ask = {"reason": "核对第二个电话"}
    plain = (await zhou.post(f"/v1/leads/{ids[6]}/reveal", json=ask)).json()
    assert plain["phone"] == "13912340022"
    assert plain["claim"].splitlines() == ["另有电话：13912340023", "疾控"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
async def test_a_csv_of_any_usual_encoding_is_read(town: Town, encoding: str):
    zhou = await town.as_("zhou")
    name = "镕某" if encoding == "gbk" else "𠮷某"
    text = f'姓名,电话,备注\r\n{name},13912340031,"两地,都去过"\r\n'
    told = await upload(zhou, await a_lead_batch(zhou), text.encode(encoding))
    assert told.status_code == 200, told.text
    (row,) = told.json()["rows"]
    lead = (await zhou.get(f"/v1/leads/{row['lead_id']}")).json()["lead"]
    assert lead["name"] == name


async def test_days_words_and_columns_are_read_as_the_field_writes_them(town: Town):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(
        zhou, issued_at="2022-02-15T08:00:00+08:00", deadline_at="2022-02-16T08:00:00+08:00"
    )
    heading = (
        "姓名",
        "性别",
        "证件类型",
        "证件号",
        "返乡日期",
        "人员类型",
        "交通工具",
        "村",
        "住址",
        "户籍地址",
        "体温",
    )
    rows: Rows = [
        heading,
        ("甲某", "女", "护照", "G12345678", "2.4", "密接", "高铁", "柳村", "二组5号", "外省", 36.5),
        ("乙某", "男", "身份证", None, "12月30日", "时空伴随", "自驾", None, None, "榕村8号", None),
        ("丙某", "男", None, None, 44596, "返乡", "三轮车", None, None, None, None),
        ("丁某", "男", None, None, "20220204", "不明", None, None, None, None, None),
        ("戊、己", "不男", "学生证", "1", "13月1日", None, None, None, None, None, None),
    ]  # fmt: skip
    told = (await upload(zhou, batch, workbook(rows))).json()
    outcomes = [row["outcome"] for row in told["rows"]]
    assert outcomes == ["created"] * 4 + ["refused"], told
    leads = [
        (await zhou.get(f"/v1/leads/{row['lead_id']}")).json()["lead"] for row in told["rows"][:4]
    ]
    days = ["2022-02-04", "2021-12-30", "2022-02-04", "2022-02-04"]
    assert [lead["arrived_on"] for lead in leads] == days
    claimed = ["close_contact", "spatiotemporal_companion", "returnee", "other"]
    assert [lead["claimed"] for lead in leads] == claimed
    assert [lead["transport"] for lead in leads] == ["train", "private_car", None, None]
    assert [lead["document_kind"] for lead in leads] == ["passport", None, None, None]
    places = [str(grid_id("t.01.01.02")), str(grid_id("t.01.02")), str(grid_id("t"))]
    assert [lead["grid_id"] for lead in leads[:3]] == places
    assert [lead["has_claim"] for lead in leads] == [True, False, True, True]
    assert [error["column"] for error in told["rows"][4]["errors"]] == ["A", "B", "C", "E"]
    unknown = [column["title"] for column in told["columns"] if column["field"] is None]
    assert unknown == ["体温"]


async def test_a_grid_may_be_named_in_the_sheet(town: Town):
    zhou = await town.as_("zhou")
    rows: Rows = [
        ("姓名", "电话", "所属网格"),
        ("甲某", "13912340041", "柳村一组"),
        ("乙某", "13912340042", "451422201202001"),
        ("丙某", "13912340043", "不存在的网格"),
    ]
    told = (await upload(zhou, await a_lead_batch(zhou), workbook(rows))).json()
    assert [row["grid_id"] for row in told["rows"][:2]] == [
        str(grid_id("t.01.01.01")),
        str(grid_id("t.01.02.01")),
    ]
    assert [row["assigned_how"] for row in told["rows"]] == ["told", "told", None]
    assert told["rows"][2]["errors"][0]["column"] == "C"


async def test_hidden_sheets_are_not_read_and_named(town: Town):
    zhou = await town.as_("zhou")
    content = workbook([HEADING, _row(1)], hidden=[HEADING, _row(2), _row(3)])
    told = (await upload(zhou, await a_lead_batch(zhou), content)).json()
    assert (told["created"], told["sheet"], told["other_sheets"]) == (1, "线索", ["旧表"])


def _bomb() -> bytes:
    """A workbook whose one sheet unpacks to a hundred megabytes."""
    content = io.BytesIO(workbook([HEADING, _row(1)]))
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(content) as sound,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in sound.namelist():
            if name == "xl/worksheets/sheet1.xml":
                cell = b'<c r="A1" t="inlineStr"><is><t>' + b" " * (100 << 20) + b"</t></is></c>"
                bomb.writestr(name, b'<worksheet><sheetData><row r="1">' + cell + b"</row>")
            else:
                bomb.writestr(name, sound.read(name))
    return packed.getvalue()


def _wide() -> bytes:
    """A workbook with one cell in its farthest corner."""
    content = io.BytesIO(workbook([HEADING, _row(1)]))
    packed = io.BytesIO()
    with zipfile.ZipFile(content) as sound, zipfile.ZipFile(packed, "w") as wide:
        for name in sound.namelist():
            told = sound.read(name)
            if name == "xl/worksheets/sheet1.xml":
                corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                told = told.replace(b"</sheetData>", corner)
            wide.writestr(name, told)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a sheet at all",
        b"PK\x03\x04 torn",
        b"\xd0\xcf\x11\xe0" + bytes(600),
        bytes(range(256)) * 4,
        workbook([["甲", "乙"], ["1", "2"]]),
        workbook([HEADING, *([1, "甲某"] for _ in range(5020))]),
        workbook([[*HEADING, *("列" for _ in range(100))], _row(1)]),
        _bomb(),
        _wide(),
    ],
    ids=("empty", "text", "torn", "ole", "bytes", "headless", "long", "broad", "bomb", "corner"),
)
async def test_what_is_no_sheet_of_people_is_refused_and_the_service_lives(
    town: Town, content: bytes
):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(zhou)
    refused = assert_problem(await upload(zhou, batch, content), SheetNotRead)
    assert refused["errors"][0]["pointer"] == "/body/file"
    assert await _leads(town, batch) == []


async def test_a_file_too_large_or_missing_is_refused(town: Town):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(zhou)
    assert_problem(await upload(zhou, batch, b"1" * (5 << 20)), BodyTooLarge)
    path = f"/v1/lead-batches/{batch['id']}/upload"
    for answer in (
        await zhou.post(path),
        await zhou.post(path, json={"file": "x"}),
        await zhou.post(path, files={"other": b"x"}),
    ):
        missing = assert_problem(answer, InvalidInput)
        assert missing["errors"][0]["pointer"] == "/body/file"


async def test_a_sheet_of_the_old_kind_is_read(town: Town):
    """`old.xls` has two people: one as it should be, and one whose number is a quantity."""
    zhou = await town.as_("zhou")
    content = Path(__file__).with_name("old.xls").read_bytes()
    told = (await upload(zhou, await a_lead_batch(zhou), content)).json()
    assert [row["outcome"] for row in told["rows"]] == ["created", "refused"]
    lead = (await zhou.get(f"/v1/leads/{told['rows'][0]['lead_id']}")).json()["lead"]
    assert (lead["name"], lead["arrived_on"]) == ("甲某", "2022-02-04")
    assert [error["column"] for error in told["rows"][1]["errors"]] == ["C"]


async def test_a_sheet_is_read_as_people_fill_it_in(town: Town):
    zhou, person = await town.as_("zhou"), synthetic_resident(name="张三")
    await a_household(await town.as_("ming"), grid="t.01.01.01", residents=[person])
    card = f'="{somebody()["document"]}"'
    csv = "\r\n".join(
        [
            "第三批线索",
            "姓名\t联系电话\t身份证号\t年龄\t离开日期",
            f"张  三\t{person['phone']}\u00a0\u3000\t无\t\t",
            f"农小凤\t8613800005606\t{card}\t\t2月4号",
            "韦美兰\t13800005604（母亲）\t/\t3个月\t2022年2月4日14时",
            "\t\t\t\t",
            "姓名\t联系电话\t身份证号\t年龄\t离开日期",
            "黄五\t——\t45142219900101001\t\t",
            "13800005699\t\t\t\t",
            "共20人\t\t\t\t",
        ]
    )
    batch = await a_lead_batch(zhou)
    told = (await upload(zhou, batch, csv.encode("gb18030"))).json()
    rows = {row["row"]: row for row in told["rows"]}
    refused = {at: row["errors"][0]["detail"] for at, row in rows.items() if row["errors"]}
    assert (told["created"], told["refused"], told["ignored"]) == (3, 2, 2), refused
    assert rows[3]["matched_how"] == "phone"
    assert refused[8] == "身份证号长度不对，应为18位（老证15位）"
    assert "填错了列" in refused[9]
    lead = (await zhou.get(f"/v1/leads/{rows[5]['lead_id']}")).json()["lead"]
    assert (lead["age"], lead["claimed_on"]) == (0, "2022-02-04")
    assert lead["has_claim"]


async def test_what_is_merged_over_rows_is_said_of_each(town: Town):
    zhou, content = await town.as_("zhou"), io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet("柳村")
    sheet.write_row(0, 0, ["所属村", "姓名", "联系电话"])
    for at, name in enumerate(("黄一", "黄二"), start=1):
        sheet.write(at, 1, name)
    sheet.merge_range("A2:A4", "柳村")
    sheet.merge_range("C2:C3", "13900005601")
    other = book.add_worksheet("青竹村")
    other.write_row(0, 0, ["姓名", "联系电话"])
    other.write_row(1, 0, ["黄三", "13900005604"])
    book.close()
    batch, path = await a_lead_batch(zhou), "/v1/lead-batches/{}/upload"
    told = (await upload(zhou, batch, content.getvalue())).json()
    assert [row["assigned_how"] for row in told["rows"]] == ["address", "address"]
    leads = await _leads(town, batch)
    assert {each["phone"] for each in leads} == {"139****5601"}
    files = {"file": ("线索.xlsx", content.getvalue(), "application/octet-stream")}
    for name, status in (("青竹村", 200), ("红星村", 422)):
        query = {"sheet": name}
        second = await zhou.post(path.format(batch["id"]), files=files, params=query)
        assert second.status_code == status, second.text
    assert second.json()["errors"][0]["pointer"] == "/query/sheet"
    assert {each["name"] for each in await _leads(town, batch)} == {"黄一", "黄二", "黄三"}


async def test_a_page_of_the_web_is_told_to_be_one(town: Town):
    zhou = await town.as_("zhou")
    page = "<html><table><tr><td>姓名</td></tr><tr><td>黄五</td></tr></table></html>"
    refused = await upload(zhou, await a_lead_batch(zhou), page.encode())
    assert "另存为" in assert_problem(refused, SheetNotRead)["detail"]


async def test_sheets_as_counties_hand_them_out_are_read_whole(town: Town):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(zhou, issued_at="2022-12-28T09:00:00+08:00")
    heading = ("序号", "返乡人姓名", "本人手机", "详细住址", "预计返乡时间", "末次接触时间")
    rows: Rows = [
        heading,
        (1, "甲某", "13912340001", "柳村二组5号", "1月3日", "12月20日"),
        (2, "乙某", "13912340002", "柳村二组6号", "12月20日", "1月3日"),
        (3, "丙某", "13912340003", "柳村二组7号", "2021年13月", "2022-12-20"),
        (4, None, "/", None, None, None),
        (5, None, None, None, None, None),
    ]
    told = (await upload(zhou, batch, workbook(rows))).json()
    assert [each["field"] for each in told["columns"]].count(None) == 0
    outcomes = ["created", "created", "refused", "ignored", "ignored"]
    assert [row["outcome"] for row in told["rows"]] == outcomes
    assert {row["assigned_how"] for row in told["rows"][:2]} == {"address"}
    leads = [
        (await zhou.get(f"/v1/leads/{row['lead_id']}")).json()["lead"] for row in told["rows"][:2]
    ]
    assert [lead["arrived_on"] for lead in leads] == ["2023-01-03", "2022-12-20"]
    assert [lead["claimed_on"] for lead in leads] == ["2022-12-20", "2022-01-03"]


async def test_five_thousand_people_fit_beside_what_stands_above_and_below_them(town: Town):
    zhou = await town.as_("zhou")
    people = [f"{at},甲{'某' * (at % 3 + 1)},1391{at:07d}" for at in range(1, 5_001)]
    lines = ["2022年返乡人员名单", "序号,姓名,电话", *people, "合计,5000人"]
    batch = await a_lead_batch(zhou)
    told = await upload(zhou, batch, "\n".join(lines).encode("gbk"), dry_run=True)
    assert (told.status_code, told.json()["created"]) == (200, 5_000), told.text[:200]
    more = "\n".join([*lines, *people[:20]]).encode("gbk")
    assert_problem(await upload(zhou, batch, more, dry_run=True), SheetNotRead)
