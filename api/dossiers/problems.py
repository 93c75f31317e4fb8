"""What can be wrong with a copy of a file."""

from typing import ClassVar

from api.foundation.problems import Problem


class CopyNoLongerKept(Problem):
    """The time in which a copy may be fetched is over; whoever needs it asks again."""

    status: ClassVar[int] = 410
    title: ClassVar[str] = "副本已过期"
    detail: ClassVar[str] = "该副本已超过领取期限，请应本人请求重新导出。"
