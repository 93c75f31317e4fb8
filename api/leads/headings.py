"""Which column of a sheet holds what: headings as the field writes them, over one row or two."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

from api.foundation.identity import without_unseen
from api.leads.sheets import Row

NAMES: dict[str, tuple[str, ...]] = {
    "name": (
        *("姓名", "人员姓名", "当事人", "当事人姓名", "名字", "被核查人", "被核查人姓名"),
        *("核查对象", "返乡人员", "返乡人员姓名", "来返乡人员姓名", "来返人员姓名"),
        *("返乡人", "返乡人姓名", "被核查人员", "被核查人员姓名"),
    ),
    "sex": ("性别",),
    "age": ("年龄", "周岁", "岁数"),
    "birth_date": ("出生日期", "出生年月", "出生年月日", "生日"),
    "document_kind": ("证件类型", "证件种类"),
    "document": (
        *("证件号码", "证件号", "身份证", "身份证号", "身份证号码", "公民身份号码"),
        *("身份证件号", "身份证件号码", "有效证件号", "有效证件号码", "居民身份证号码"),
    ),
    "phone": (
        *("电话", "手机", "手机号", "手机号码", "联系电话", "联系方式", "电话号码", "本人电话"),
        *("联系号码", "手机电话", "本人联系电话", "本人联系方式", "本人手机号", "本人手机号码"),
        *("电话手机", "联系手机", "手机联系方式", "联系电话手机", "本人手机"),
    ),
    "village": ("村", "社区", "村社区", "所属村", "所在村", "行政村", "所属村社区"),
    "address": (
        *("住址", "现住址", "现住地址", "家庭住址", "地址", "详细地址"),
        *("居住地", "现居住地", "居住地址", "居住地详细地址", "目的地", "落脚点"),
        *("详细住址", "现居地", "现居地址", "现居住地址", "现居住详细地址", "现住详细地址"),
        *("现居住地详细地址", "家庭地址", "家庭详细地址", "家庭详细住址", "常住地址", "具体地址"),
        *("目的地地址", "目的地详细地址", "返乡居住地", "返乡居住地址", "返乡后居住地址"),
        *("返乡目的地", "返回后居住地", "返回后居住地址", "落脚地", "落脚地址"),
    ),
    "registered": ("户籍地", "户籍地址", "户籍所在地", "户口所在地"),
    "grid": ("网格", "所属网格", "所在网格", "网格名称", "网格编码"),
    "lead_source": ("线索来源", "数据来源", "来源", "信息来源"),
    "origin_place": (
        "来源地",
        "从何处来",
        "来自何地",
        "出发地",
        "途经地",
        "旅居地",
        "旅居史",
        "返回前居住地",
        "何地返乡",
        "从何地返乡",
        "从何地返回",
        "何地返回",
        "返乡出发地",
        "始发地",
        "来源地区",
    ),
    "origin_code": ("来源地代码", "来源地区划代码"),
    "claimed": ("涉疫情形", "人员类别", "人员类型", "风险类型", "线索类型", "接触类别"),
    "claim": ("情况说明", "涉疫情形说明", "线索内容", "轨迹", "行程", "轨迹信息", "备注", "说明"),
    "claimed_on": (
        *("涉疫日期", "末次接触日期", "离开日期", "离开风险地区日期", "最后接触时间"),
        *("末次接触时间", "最后接触日期", "末次暴露日期", "末次暴露时间", "离开时间"),
        *("离开风险地区时间", "离开中高风险地区日期", "离开中高风险地区时间"),
    ),
    "arrived_on": (
        *("到达日期", "返回日期", "抵达日期", "返乡日期", "到达时间", "返乡时间"),
        *("返回时间", "抵达时间", "来返乡日期", "来返乡时间", "到家日期", "到家时间"),
        *("预计到达日期", "预计到达时间", "预计返乡日期", "预计返乡时间", "预计返回日期"),
        *("预计返回时间", "拟返乡日期", "拟返乡时间", "计划返乡日期", "计划返乡时间"),
    ),
    "transport": ("交通方式", "交通工具", "返回方式", "返乡方式", "来返乡方式", "返乡交通工具"),
    "transport_number": (
        *("车次", "航班号", "车牌号", "班次"),
        *("车次航班号", "车次或航班号", "车次航班号或车牌号"),
    ),
    "number": ("序号", "编号"),
}
"""The headings by which a column is known, without what stands in brackets beside them."""

_FIELD = {heading: field for field, headings in NAMES.items() for heading in headings}
_WHO = frozenset({"name", "document", "phone"})
_ABOVE = 10
_BESIDE = re.compile(r"[(\[【].*?[)\]】]|[\s*※:、,/·.]|必填|选填")
_NUMBERED = re.compile(r"[0-9一二两三]$")


@dataclass(frozen=True, slots=True)
class Heading:
    """What each column holds, by its place; what it says; and where the people begin."""

    fields: dict[int, str]
    titles: dict[int, str]
    first: int


def field_of(text: object) -> str | None:
    """What a heading means; None for one that is not known here."""
    if not isinstance(text, str):
        return None
    plain = _BESIDE.sub("", normalize("NFKC", without_unseen(text)))
    return _FIELD.get(plain) or _FIELD.get(_NUMBERED.sub("", plain))


def find_heading(rows: Sequence[Row]) -> Heading | None:
    """The heading among the first rows, that of the most columns known; None where nobody is told.

    A title may stand above it. Of two rows the lower goes before the upper, under whose merged
    cells it stands.
    """
    best: Heading | None = None
    for at in range(min(_ABOVE, len(rows))):
        for height in (1, 2):
            found = _heading(rows[at : at + height], first=at + height)
            if _WHO & set(found.fields.values()) and len(found.fields) > _known(best):
                best = found
    return best


def _known(heading: Heading | None) -> int:
    return len(heading.fields) if heading else 0


def _heading(rows: Sequence[Row], *, first: int) -> Heading:
    fields: dict[int, str] = {}
    titles: dict[int, str] = {}
    for at in range(max((len(row) for row in rows), default=0)):
        said = [row[at] for row in rows if at < len(row) and row[at] != ""]
        known = [field for field in map(field_of, said) if field is not None]
        if known and (len(rows) == 1 or field_of(said[-1]) is not None):
            fields[at] = known[-1]
        if said:
            titles[at] = str(said[-1]).strip()
    return Heading(fields, titles, first)
