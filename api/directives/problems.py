"""What can stand against a directive and its answers."""

from typing import ClassVar

from api.foundation.problems import Problem


class NobodyToTell(Problem):
    """No post of the subtree is what the directive's levels and roles describe."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "没有下达对象"
    detail: ClassVar[str] = "该网格及其下级没有符合条件的在任人员，指令未下达。"
    pointer: ClassVar[str | None] = "/body/grid_id"


class DirectiveEnded(Problem):
    """A directive that is closed or withdrawn asks nothing more; `state` says which."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "指令已结束"
    detail: ClassVar[str] = "该指令已经办结或撤回，不能再变更或反馈。"
