"""What can stand against a subscription."""

from typing import ClassVar

from api.foundation.problems import Problem


class WebhookAddressRefused(Problem):
    """Events are sent to no such address: not https, or of the service's own surroundings."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "接收地址不可用"
    detail: ClassVar[str] = "不能向该地址推送事件。"
    pointer: ClassVar[str | None] = "/body/url"


class WebhookSubscriptionEnded(Problem):
    """What has ended is history; who wants to be told again subscribes anew."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "订阅已终止"
    detail: ClassVar[str] = "该订阅已终止，请重新订阅。"


class WebhookPausedByOthers(Problem):
    """Who paused it lets it go on: the township its own pause, the other system its own."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "由对方暂停"
    detail: ClassVar[str] = "该订阅由对方暂停，须由对方恢复。"


class TooManyWebhookSubscriptions(Problem):
    """A system that needs more addresses distributes what it is told by itself."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "订阅过多"
    detail: ClassVar[str] = "一个系统最多有 20 个有效的订阅，请先终止不用的。"
