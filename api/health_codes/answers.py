"""What a health-code system is asked of a person, and what is made of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.foundation.identity import DocumentKind
from api.foundation.labels import Labelled
from api.health_records.models import CodeState


class Trouble(Labelled):
    """Why a system gave no usable answer; none of them says anything of the person."""

    unknown_system = "unknown_system", "没有接入该系统"
    unread = "unread", "暂时读不到该系统的配置"
    switched_off = "switched_off", "该系统已停用"
    not_set_up = "not_set_up", "该系统的密钥或配置不全"
    too_little_known = "too_little_known", "所提供的身份信息不足以查询"
    circuit_open = "circuit_open", "该系统连续出错，暂停查询"
    too_many_waiting = "too_many_waiting", "等待查询的人过多"
    still_asking = "still_asking", "尚未查到结果，仍在查询"
    timed_out = "timed_out", "该系统未在规定时间内答复"
    unreachable = "unreachable", "连接不上该系统"
    throttled = "throttled", "该系统限制了查询频率"
    signature_refused = "signature_refused", "该系统不认可签名或密钥"
    refused = "refused", "该系统拒绝了查询"
    failed = "failed", "该系统出错"
    unreadable = "unreadable", "该系统的答复无法识别"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whom a system is asked about: whatever is known, of which its configuration takes its part.

    `shown` is the text of a code that the person shows (a scan). Nothing of it is ever printed.
    """

    document_kind: DocumentKind | None = None
    document: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    shown: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of a person's code now; `unavailable`, with the reason, where nothing is.

    `state_changed_at` is since when the system holds the state and `valid_until` for how long, if
    it says so. Until `asked_again_at` the answer is remembered, which says nothing of the code.
    `extra` holds what else was mapped.
    """

    state: CodeState
    system: str
    state_changed_at: datetime | None
    fetched_at: datetime
    valid_until: datetime | None
    asked_again_at: datetime | None = None
    reason: Trouble | None
    extra: Mapping[str, str] = field(repr=False)

    @property
    def known(self) -> bool:
        """Whether the system said something of the person; only that may be kept."""
        return self.state is not CodeState.unavailable


def nothing_known(system: str, reason: Trouble, *, at: datetime) -> Answer:
    """The answer where the system gave none: never green, and never to be kept."""
    return Answer(
        state=CodeState.unavailable,
        system=system,
        state_changed_at=None,
        fetched_at=at,
        valid_until=None,
        reason=reason,
        extra={},
    )
