"""How much is held for people unknown here, on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.foundation.fields import Wire
from api.foundation.labels import Labelled
from api.inbound.models import EventKind


class HeldKind(Labelled):
    """What an event tells of, by a name that no other room has in the contract."""

    code_change = EventKind.code_change.value, EventKind.code_change.label
    test_result = EventKind.test_result.value, EventKind.test_result.label


class Held(Wire):
    """How many events of one kind wait for their people, and what became of others lately."""

    kind: HeldKind = Field(description="报送的是什么")
    held: int = Field(description="暂存待匹配的条数")
    since_at: datetime | None = Field(description="最早一条的接收时间；没有的为 null")
    next_expires_at: datetime | None = Field(description="最先到期清除的时间；没有的为 null")
    last_expires_at: datetime | None = Field(description="最后到期清除的时间；没有的为 null")
    matched: int = Field(description="近几天匹配到本人、转为记录的条数")
    forgotten: int = Field(description="近几天到期清除的条数")


class HeldCount(Held):
    """The same, of one system."""

    client_id: UUID = Field(description="哪个第三方系统报送的")
    client_name: str = Field(description="该系统的名称")


class HeldCounts(Wire):
    """What is held, by system and kind; a system of which nothing is held is not listed."""

    items: list[HeldCount]
    lately_days: int = Field(description="近几天是指几天，含今天")


class OwnHeldCount(Held):
    """What is held of the system that asks."""

    lately_days: int = Field(description="近几天是指几天，含今天")
