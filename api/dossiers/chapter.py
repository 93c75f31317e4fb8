"""What a chapter of a dossier is: where it is kept, who may read it, how it is said.

Each chapter is a SELECT of `at`, `record_id`, `by` and `said` about `:resident` (and, where a door
was knocked at, `:household`); row security decides what of it the reader reaches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.access.permissions import Permission
from api.foundation.labels import Labelled


class EntryKind(Labelled):
    """What an entry of a dossier tells of."""

    registered = "registered", "登记"
    moved = "moved", "迁居"
    left = "left", "离开"
    visit = "visit", "走访"
    arrival = "arrival", "返（来）乡"
    test = "test", "检测"
    retest = "retest", "单采复核"
    code_state = "code_state", "健康码"
    travel_card = "travel_card", "行程卡"
    vaccination = "vaccination", "疫苗接种"
    home_sampling = "home_sampling", "上门采样"
    lead = "lead", "涉疫线索"
    passing = "passing", "卡点通行"
    quarantine = "quarantine", "隔离"
    stage = "stage", "隔离阶段"
    change = "change", "隔离变更"
    team = "team", "包保人员"
    whereabouts = "whereabouts", "去向"
    site_check = "site_check", "住所核查"
    transfer = "transfer", "转运"
    referral = "referral", "送医"
    leave = "leave", "经批准外出"
    release = "release", "解除隔离"
    reading = "reading", "体温"
    not_taken = "not_taken", "未测体温"
    alert = "alert", "异常"
    call = "call", "问候和随访"
    errand = "errand", "代办"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One kind of entry; `sentence` is filled with what was said, coded values by their `words`."""

    kind: EntryKind
    permission: Permission
    sql: str
    sentence: str
    words: Mapping[str, type[Labelled]] = field(default_factory=dict[str, type[Labelled]])

    def tell(self, said: Mapping[str, Any]) -> str:
        """The sentence of one entry; what is not known is left out."""
        told = {name: self._word(name, value) for name, value in said.items()}
        return self.sentence.format_map(told)

    def _word(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        return self.words[name](value).label if name in self.words else str(value)
