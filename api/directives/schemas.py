"""What is told of directives and their answers, and what is shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from api.access.permissions import Role
from api.directives.models import DirectiveStatus
from api.foundation.fields import Input, Instant, LongText, RecordId, ShortText, Wire, unsaid
from api.grids.models import GridKind

A_WEEK = 7 * 24 * 60

Link = Annotated[
    str,
    Field(
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$",
        max_length=500,
        description="https 链接",
        examples=["https://example.cn/notice/2022-02.pdf"],
    ),
]


def _ordered(levels: Iterable[int]) -> list[int]:
    return sorted(set(levels))


def _each_once(roles: Iterable[Role]) -> list[Role]:
    return list(dict.fromkeys(roles))


Levels = Annotated[
    list[Annotated[int, Field(ge=1, le=20)]],
    Field(max_length=20, description="只下达到这些层级的网格；空列表为各级"),
    AfterValidator(_ordered),
]
Roles = Annotated[
    list[Role],
    Field(max_length=len(Role), description="只下达给这些职务；空列表为各种职务"),
    AfterValidator(_each_once),
]
Deadline = Annotated[Instant, Field(description="反馈期限")]
RemindMinutes = Annotated[
    int, Field(ge=0, le=A_WEEK, description="期限前多少分钟提醒尚未反馈的人员")
]
ForPost = Annotated[
    UUID | None, Field(description="代哪个任职反馈；不填为本人现在的任职，代下级反馈须有下达权限")
]

_ISSUED: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a9101",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "title": "返乡人员再排查",
    "body": "今日18时前完成辖区内2月1日以来返乡人员再排查，逐户反馈人数。",
    "levels": [],
    "roles": ["grid_worker"],
    "deadline_at": "2022-02-15T18:00:00+08:00",
    "needs_report": True,
    "attachments": [{"name": "排查表", "url": "https://example.cn/notice/2022-02.pdf"}],
    "remind_minutes": 60,
}


class Attachment(Input):
    """Something to be read with a directive; the service keeps the link, not the file."""

    name: Annotated[ShortText, Field(description="附件名称")]
    url: Link


class DirectiveIssue(Input):
    """An order to everybody of a grid and below whom its levels and roles describe (M1.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ISSUED]})

    id: RecordId
    grid_id: Annotated[UUID, Field(description="下达到哪个网格及其下级")]
    title: Annotated[ShortText, Field(description="标题")]
    body: Annotated[LongText, Field(description="内容")]
    levels: Levels = Field(default_factory=list[int])
    roles: Roles = Field(default_factory=list[Role])
    deadline_at: Deadline
    needs_report: Annotated[bool, Field(description="是否须反馈办理情况；否则确认收到即可")] = True
    attachments: list[Attachment] = Field(
        default_factory=list[Attachment], max_length=10, description="附件链接"
    )
    remind_minutes: RemindMinutes = 60


class DirectiveChange(Input):
    """A new deadline; only the members that are sent are changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"deadline_at": "2022-02-16T12:00:00+08:00", "reason": "大雨，山路不通，顺延"}
            ]
        }
    )

    deadline_at: Annotated[Deadline, Field(default_factory=unsaid)]
    remind_minutes: Annotated[RemindMinutes, Field(default_factory=unsaid)]
    reason: Annotated[ShortText, Field(description="变更的原因，将被记录")]


class DirectiveEnd(Input):
    """Why a directive asks nothing more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "排查已全部完成"}]})

    reason: Annotated[ShortText, Field(description="理由，将被记录")]


class Acknowledgement(Input):
    """It was received and read."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"acknowledged_at": "2022-02-15T09:05:00+08:00"}]}
    )

    post_id: ForPost = None
    acknowledged_at: Annotated[
        Instant | None, Field(description="何时收到；不填则为服务收到的时间")
    ] = None


class DirectiveReport(Input):
    """It was done, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"report": "已排查112户，返乡3人，均已登记。"}],
        }
    )

    post_id: ForPost = None
    report: Annotated[LongText | None, Field(description="办理情况，加密保存")] = None
    reported_at: Annotated[
        Instant | None, Field(description="何时办结；不填则为服务收到的时间")
    ] = None


class AttachmentRead(Wire):
    name: str = Field(description="附件名称")
    url: str = Field(description="https 链接")


class ReceiptRead(Wire):
    """What one post owes to a directive, and what it answered."""

    id: UUID = Field(description="编号")
    directive_id: UUID = Field(description="所属指令")
    post_id: UUID = Field(description="任职")
    worker_id: UUID = Field(description="人员")
    worker_name: str = Field(description="姓名")
    role: Role
    grid_id: UUID = Field(description="所在网格")
    told_at: datetime = Field(description="何时下达")
    acknowledged_at: datetime | None = Field(description="何时确认收到")
    acknowledged_by: UUID | None = Field(description="由谁确认；代为确认的为代办人")
    reported_at: datetime | None = Field(description="何时反馈")
    reported_by: UUID | None = Field(description="由谁反馈；代为反馈的为代办人")
    report: str | None = Field(description="办理情况")
    reminded_at: datetime | None = Field(description="何时提醒过")
    answered: bool = Field(description="是否已按要求确认或反馈")
    late: bool = Field(description="是否逾期：逾期才反馈，或已过期限仍未反馈")


class DirectiveRead(Wire):
    """A directive, with what the caller's own post answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_ISSUED,
                    "version": 1,
                    "status": "issued",
                    "issued_at": "2022-02-15T01:00:00Z",
                    "issued_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "issuer_name": "周书记",
                    "issued_post": "01890a5d-ac96-774b-bcce-b302099a8013",
                }
            ]
        }
    )

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，变更时放在 If-Match 中")
    grid_id: UUID = Field(description="下达到的网格")
    title: str = Field(description="标题")
    body: str = Field(description="内容")
    levels: list[int] = Field(description="下达的层级；空列表为各级")
    roles: list[Role] = Field(description="下达的职务；空列表为各种职务")
    attachments: list[AttachmentRead] = Field(description="附件链接")
    needs_report: bool = Field(description="是否须反馈办理情况")
    deadline_at: datetime = Field(description="反馈期限")
    remind_minutes: int = Field(description="期限前多少分钟提醒")
    status: DirectiveStatus
    issued_at: datetime = Field(description="何时下达")
    issued_by: UUID = Field(description="下达人")
    issuer_name: str = Field(description="下达人姓名")
    issued_post: UUID = Field(description="下达人的任职")
    ended_at: datetime | None = Field(description="何时办结或撤回")
    ended_by: UUID | None = Field(description="由谁办结或撤回")
    ended_reason: str | None = Field(description="办结或撤回的理由")
    receipt: ReceiptRead | None = Field(description="本任职的反馈；没有下达给本任职的为 null")


class AnswerTally(Wire):
    """How a directive stands among some posts; who left without a successor is not counted."""

    posts: int = Field(description="下达的任职数")
    acknowledged: int = Field(description="已确认收到")
    reported: int = Field(description="已反馈办理情况")
    answered: int = Field(description="已按要求确认或反馈")
    outstanding: int = Field(description="尚未按要求反馈")
    late: int = Field(description="逾期：逾期才反馈，或已过期限仍未反馈")


class GridAnswers(Wire):
    """One grid directly below, with all that lies below it."""

    grid_id: UUID = Field(description="网格")
    grid_code: str = Field(description="网格编码")
    grid_name: str = Field(description="网格名称")
    kind: GridKind
    level: int = Field(description="层级")
    tally: AnswerTally


class LevelAnswers(Wire):
    """The posts held at grids of one level."""

    level: int = Field(description="层级")
    tally: AnswerTally


class DirectiveProgress(Wire):
    """How a directive stands in a grid: the sum, grid by grid, level by level, and by name here."""

    directive_id: UUID = Field(description="指令")
    grid_id: UUID = Field(description="网格")
    as_of: datetime = Field(description="统计时间")
    total: AnswerTally = Field(description="该网格及其下级")
    grids: list[GridAnswers] = Field(description="各下级网格；以其 grid_id 再查可逐级下钻")
    levels: list[LevelAnswers] = Field(description="各层级")
    outstanding_here: list[ReceiptRead] = Field(description="本网格内尚未反馈的人员")
