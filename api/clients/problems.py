"""What can go wrong with a machine client: when it calls, and when it is managed."""

from typing import ClassVar

from api.foundation.problems import Problem


class ClientNotValid(Problem):
    """The client behind a genuine token has expired, is disabled, or its credential has ended."""

    status: ClassVar[int] = 401
    title: ClassVar[str] = "接入已失效"
    detail: ClassVar[str] = "该系统的接入已到期、停用或变更，请重新取得令牌；仍不行的请联系乡镇。"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    constraints: ClassVar[tuple[str, ...]] = ("client_holds",)


class AddressRefused(Problem):
    """The call came from outside the address list of the client."""

    status: ClassVar[int] = 403
    title: ClassVar[str] = "来源地址不允许"
    detail: ClassVar[str] = "请求来自该系统登记地址以外的地址。"
    constraints: ClassVar[tuple[str, ...]] = ("client_address",)


class ScopeMissing(Problem):
    """The token does not carry the scope that the operation needs; `scope` names it."""

    status: ClassVar[int] = 403
    title: ClassVar[str] = "令牌没有此项权限"
    detail: ClassVar[str] = "该系统的令牌没有办理此事项的权限。"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}


class ExpiryOutOfRange(Problem):
    """A client is let in until a day within a year: access that nobody renews ends by itself."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "到期时间不符合要求"
    detail: ClassVar[str] = "到期时间应晚于现在，且不超过一年。"
    pointer: ClassVar[str | None] = "/body/expires_at"


class KeysDoNotFit(Problem):
    """Keys for a client that proves itself by a secret, or none for one that signs."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "公钥与证明方式不符"
    detail: ClassVar[str] = "自有私钥签名的须提交公钥，共享密钥的不须提交。"
    pointer: ClassVar[str | None] = "/body/keys"


class ClientDisabled(Problem):
    """A client that was disabled stays so; whoever needs one again registers it anew."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该系统已停用"
    detail: ClassVar[str] = "该系统的接入已停用，如须再次接入请重新登记。"
