"""The notice of a release: what the person takes home, as it was on that day (domain 3.6, 3.7)."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from api.foundation.identity import DocumentKind, Sex, mask_address, mask_document

SEALED_AS = "releases.notice"
"""The context in which notices are sealed."""


_TAKE_CARE = (
    "解除后请继续做好个人防护和自我健康监测；如出现发热、干咳、乏力、咽痛、嗅（味）觉减退、腹泻等"
    "症状，请立即报告村（社区），在指引下佩戴口罩就医，不要自行前往。"
)
_PROOF = "本告知书是已解除隔离的凭证，任何单位和个人不得因此前的隔离对您有所歧视。"


class Served(NamedTuple):
    """A measure and its days, both included."""

    measure: str
    starts_on: date
    ends_on: date


class Changed(NamedTuple):
    """What two people changed on the way, and on what basis."""

    what: str
    basis: str


class Notice(BaseModel):
    """Everything that stands on a notice; a reason, a clause and an address may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    title: str
    number: str
    name: str
    sex: Sex
    document_kind: DocumentKind | None
    document: str | None
    address: str | None
    reason: str | None
    served: Sequence[Served]
    changed: Sequence[Changed] = ()
    ended_early: bool = False
    alert_free: bool = True
    basis: str | None
    tests: int
    follow_up_days: Sequence[int]
    unit: str
    approver: str
    released_on: date

    def masked(self) -> "Notice":
        """The same with document and address masked (M6.6)."""
        kind, number, address = self.document_kind, self.document, self.address
        hidden = mask_document(kind, number) if kind and number else None
        place = mask_address(address) if address else None
        return self.model_copy(update={"document": hidden, "address": place})

    def paragraphs(self) -> list[str]:
        """The text between the heading and the signatures."""
        return [*self._person(), *self._period(), *self._afterwards()]

    def closing(self) -> list[str]:
        """Who released, when, and where to stamp and sign."""
        return [
            f"批准单位：{self.unit}（盖章）",
            f"批准人：{self.approver}",
            f"日期：{_day(self.released_on)}",
            "本人（监护人）签收：____________    签收日期：____________",
        ]

    def text(self) -> str:
        """The whole notice, line by line."""
        heading = [self.title, f"编号：{self.number}", ""]
        return "\n".join([*heading, *self.paragraphs(), "", *self.closing()])

    def _person(self) -> list[str]:
        sex = f"    性别：{self.sex.label}" if self.sex in (Sex.male, Sex.female) else ""
        kind = self.document_kind.label if self.document_kind else "证件"
        return [
            f"姓名：{self.name}{sex}",
            f"{kind}号码：{self.document or '未登记'}",
            f"住址：{self.address or '未登记'}",
        ]

    def _period(self) -> list[str]:
        begun = min((each.starts_on for each in self.served), default=self.released_on)
        measures = "；".join(
            f"{each.measure}（{_day(each.starts_on)}至{_day(each.ends_on)}）"
            for each in self.served
        )
        cause = f"因“{self.reason}”，" if self.reason else ""
        changes = "；".join(f"{each.what}（依据：{each.basis}）" for each in self.changed)
        released = f"自{_day(self.released_on)}起予以解除"
        return [
            f"您{cause}自{_day(begun)}起至{_day(self.released_on)}止接受：{measures}。",
            *([f"其间经批准：{changes}。"] if changes else []),
            f"经核实，{''.join(f'{each}，' for each in self._shown())}{released}。",
            *([f"依据：{self.basis}"] if self.basis else []),
        ]

    def _shown(self) -> list[str]:
        """What was found to hold; of a period that was cut short nobody says that it is over."""
        told = ["已获准提前结束" if self.ended_early else "期限已满"]
        if self.tests:
            told.append(f"{self.tests}次检测结果均为阴性")
        if self.alert_free:
            told.append("没有未办结的异常")
        return told

    def _afterwards(self) -> list[str]:
        told = [_TAKE_CARE, _PROOF]
        if self.follow_up_days:
            days = "、".join(map(str, sorted(self.follow_up_days)))
            told.insert(1, f"我们将在解除后第{days}天电话随访，请保持电话畅通。")
        return told


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
