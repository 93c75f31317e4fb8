"""The notice of release: masked unless a reason is given, as text and as a page to be stamped."""

import re
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from api.foundation.identity import DocumentKind, Sex
from api.foundation.printing import drawable
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn
from api.foundation.records import new_id
from api.releases.notice_pdf import pdf_of
from api.releases.notices import Changed, Notice, Served
from tests.builders import a_household, a_quarantine, synthetic_resident
from tests.cast import Town, assert_problem
from tests.quarantines.plans import a_planned_quarantine, rows, sampled, the_ninth_edition
from tests.quarantines.test_changes import approved
from tests.releases.test_routes import approval

RARE = "覃𠮷祥'; DROP TABLE <b>releases</b>; --"


def _notice(**told: Any) -> Notice:
    said = {
        "title": "解除隔离医学观察告知书",
        "number": "解除〔2022〕12号",
        "name": "黄秀英",
        "sex": Sex.female,
        "document_kind": DocumentKind.resident_identity,
        "document": "451422199001010012",
        "address": "青竹乡柳村一组12号后院",
        "reason": "中风险地区返（来）乡",
        "served": [
            Served("集中隔离医学观察", date(2022, 2, 8), date(2022, 2, 14)),
            Served("居家健康监测", date(2022, 2, 15), date(2022, 2, 21)),
        ],
        "basis": "《防控方案》：第三条",
        "tests": 4,
        "follow_up_days": [7, 1, 2],
        "unit": "青竹乡柳村",
        "approver": "林支书",
        "released_on": date(2022, 2, 21),
    }
    return Notice.model_validate(said | told)


def _drawn(pdf: bytes) -> str:
    """The text that a PDF draws, with its lines joined."""
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return text.replace("\n", "").replace(" ", "")


def test_a_notice_tells_who_was_under_what_from_when_to_when_and_by_which_rule():
    text = _notice().text()
    for part in (
        "解除隔离医学观察告知书",
        "编号：解除〔2022〕12号",
        "姓名：黄秀英    性别：女",
        "居民身份证号码：451422199001010012",
        "自2022年2月8日起至2022年2月21日止",
        "集中隔离医学观察（2022年2月8日至2022年2月14日）；居家健康监测",
        "4次检测结果均为阴性",
        "依据：《防控方案》：第三条",
        "解除后第1、2、7天",
        "批准单位：青竹乡柳村（盖章）",
        "批准人：林支书",
        "日期：2022年2月21日",
    ):
        assert part in text


def test_what_is_not_known_is_left_out_and_what_identifies_is_masked():
    bare = _notice(
        document_kind=None, document=None, address=None, basis=None, tests=0, follow_up_days=[]
    )
    assert "未登记" in bare.text()
    assert not [word for word in ("依据", "次检测", "随访") if word in bare.text()]
    assert bare.masked() == bare
    masked = _notice().masked().text()
    assert "451***********0012" in masked
    assert not [plain for plain in ("19900101", "12号后院") if plain in masked]


def test_what_two_people_changed_is_told_and_a_period_that_was_cut_is_not_called_over():
    changed = [Changed("延长", "乡指挥部4号"), Changed("提前结束", "乡指挥部5号")]
    text = _notice(changed=changed, ended_early=True, alert_free=False).text()
    assert "其间经批准：延长（依据：乡指挥部4号）；提前结束（依据：乡指挥部5号）。" in text
    assert "经核实，已获准提前结束，4次检测结果均为阴性，自2022年2月21日起予以解除。" in text
    plain = _notice(reason=None).text()
    assert "您自2022年2月8日起" in plain
    assert "期限已满，4次检测结果均为阴性，没有未办结的异常" in plain


def test_the_page_says_what_the_text_says():
    notice = _notice(changed=[Changed("延长", "乡指挥部4号")])
    drawn = _drawn(pdf_of(notice))
    for line in (notice.title, notice.number, *notice.paragraphs(), *notice.closing()):
        assert line.replace(" ", "") in drawn


def test_the_page_brings_its_font_for_whoever_has_no_chinese_one():
    page: Any = PdfReader(BytesIO(pdf_of(_notice()))).pages[0]
    chinese = [font for font in page["/Resources"]["/Font"].values() if "/ToUnicode" in font]
    assert chinese
    assert all("/FontFile2" in font["/FontDescriptor"] for font in chinese)


def test_a_character_that_the_font_lacks_leaves_a_box_to_be_filled_in_by_hand():
    assert drawable("黄秀英·〔〕喆㐂䶮") == ("黄秀英·〔〕喆㐂䶮", [])
    assert drawable("𠮷祥㐂𠮷") == ("□祥㐂□", ["𠮷"])
    drawn = _drawn(pdf_of(_notice(name=RARE)))
    assert "姓名：覃□祥';DROPTABLE<b>releases</b>;--" in drawn
    assert "U+20BB7" in drawn
    assert RARE in _notice(name=RARE).text()


@pytest.fixture(scope="module")
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


@pytest.fixture(scope="module")
async def released(town: Town, protocol: str) -> dict[str, Any]:
    """Somebody released by the township's leader, in 柳村一组."""
    kept = await a_planned_quarantine(town, protocol)
    await sampled(await town.as_("ming"), kept, 1, 4, 7)
    path = f"/v1/quarantines/{kept['id']}/release"
    answer = await (await town.as_("zhou")).post(path, json=approval())
    assert answer.status_code == 200, answer.text
    return answer.json()


def path_of(quarantine: dict[str, Any]) -> str:
    return f"/v1/quarantines/{quarantine['id']}/notice"


async def test_nobody_and_no_neighbour_reads_a_notice(town: Town, released: dict[str, Any]):
    for path in (path_of(released), f"{path_of(released)}.pdf"):
        assert_problem(await town.nobody().get(path), NotSignedIn)
        for neighbour in ("mei", "wei", "he", "bai"):
            assert_problem(await (await town.as_(neighbour)).get(path), NotFound)


async def test_there_is_no_notice_before_a_release(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    assert_problem(await lin.get(path_of(kept)), NotFound)
    assert_problem(await lin.get(f"/v1/quarantines/{new_id()}/notice.pdf"), NotFound)


async def test_a_notice_is_masked_unless_a_reason_is_given_and_every_look_is_on_record(
    town: Town, released: dict[str, Any]
):
    ming, zhou, ba = await town.as_("ming"), await town.as_("zhou"), await town.as_("ba")
    masked = (await ming.get(path_of(released))).json()
    assert masked["title"] == "解除隔离医学观察告知书"
    assert re.fullmatch(r"解除〔\d{4}〕\d+号", masked["number"])
    assert "***********" in masked["text"]
    assert "柳村一组***" in masked["text"]
    reason = {"reason": "打印盖章后交本人"}
    plain = (await ming.get(path_of(released), params=reason)).json()["text"]
    assert "柳村一组12号后院" in plain
    assert "***" not in plain
    assert "批准单位：青竹乡（盖章）" in plain
    assert "批准人：周书记" in plain
    refused = await ba.get(path_of(released), params=reason)
    assert assert_problem(refused, NotPermitted)["permission"] == "residents:reveal"
    short = assert_problem(await ming.get(path_of(released), params={"reason": "看"}), InvalidInput)
    assert short["errors"][0]["pointer"] == "/query/reason"
    looks = await zhou.get("/v1/audit-entries", params={"subject_id": released["id"]})
    noted = [each for each in looks.json()["items"] if each["action"] == "releases.notice"]
    assert [each["details"]["plain"] for each in noted] == [True, False]
    assert noted[0]["details"]["reason"] == reason["reason"]


async def test_the_page_is_a_pdf_and_masked_like_the_text(town: Town, released: dict[str, Any]):
    ming = await town.as_("ming")
    page = await ming.get(f"{path_of(released)}.pdf")
    assert page.status_code == 200, page.text
    assert page.headers["content-type"] == "application/pdf"
    assert page.content.startswith(b"%PDF-")
    assert "***********" in _drawn(page.content)
    plain = await ming.get(f"{path_of(released)}.pdf", params={"reason": "打印盖章后交本人"})
    assert "12号后院" in _drawn(plain.content)


async def test_a_notice_stays_as_it_was_and_nothing_of_it_lies_open(town: Town):
    lin = await town.as_("lin")
    rare = synthetic_resident(name="覃𠮷祥", relation="head")
    home = await a_household(lin, grid="t.01.01.01", residents=[rare])
    kept = await a_quarantine(lin, resident=home["residents"][0]["id"], days=1)
    done = await lin.post(f"/v1/quarantines/{kept['id']}/release", json=approval())
    assert done.status_code == 200, done.text
    resident = home["residents"][0]
    renamed = await lin.patch(
        f"/v1/residents/{resident['id']}",
        json={"name": "覃吉祥", "reason": "更名"},
        headers={"If-Match": f'"{resident["version"]}"'},
    )
    assert renamed.status_code == 200, renamed.text
    text = (await lin.get(path_of(kept), params={"reason": "核对告知书"})).json()["text"]
    assert "覃𠮷祥" in text
    assert rare["document"] in text
    assert "批准单位：青竹乡柳村（盖章）" in text
    [row] = await rows(
        town,
        "SELECT releases::text AS row FROM releases WHERE quarantine_id = CAST(:id AS uuid)",
        id=kept["id"],
    )
    assert rare["document"] not in row.row
    assert "覃" not in row.row


async def test_who_is_let_go_early_is_told_so_and_by_whose_paper(town: Town, protocol: str):
    kept = await a_planned_quarantine(town, protocol, begun=0)
    await approved(town, kept, "early_end", legal_basis="青竹乡防控指挥部〔2022〕5号")
    await sampled(await town.as_("ming"), kept, 1)
    zhou = await town.as_("zhou")
    path = f"/v1/quarantines/{kept['id']}/release"
    assert (await zhou.post(path, json=approval())).status_code == 200
    text = (await zhou.get(path_of(kept))).json()["text"]
    assert "其间经批准：提前结束（依据：青竹乡防控指挥部〔2022〕5号）。" in text
    assert "已获准提前结束" in text
    assert "期限已满" not in text
