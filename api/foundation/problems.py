"""Everything wrong leaves the service as one of these classes (RFC 9457).

    Problem
    ├── NotSignedIn · PostingChanged (401)      who is asking
    ├── PasswordToBeChanged (403)               before anything else is done
    ├── NotPermitted · OutsideYourGrid (403)    what may be done, and where
    ├── NotFound (404)                          also what lies out of reach
    ├── Conflict (409), and in the rooms        what the records say against it
    ├── VersionMissing (428) · VersionMismatch (412)
    ├── InvalidInput (422)                      pointers to the fields
    └── TooMany (429) · DatabaseUnavailable (503)

Status and type are for the program; `title` and `detail` are Chinese, for whoever holds the phone.
"""

import re
from typing import Any, ClassVar

PROBLEMS: dict[str, type["Problem"]] = {}
"""Every problem by its slug: the catalogue, and the contract, are made from it."""

CONSTRAINTS: dict[str, type["Problem"]] = {}
"""Every database constraint that has a problem of its own: the database is the last validator."""


class Problem(Exception):
    """A refusal with a name. Subclasses state `status`, `title` and a default `detail`."""

    status: ClassVar[int]
    title: ClassVar[str]
    detail: ClassVar[str]
    headers: ClassVar[dict[str, str]] = {}
    constraints: ClassVar[tuple[str, ...]] = ()
    pointer: ClassVar[str | None] = None

    def __init_subclass__(cls) -> None:
        missing = [name for name in ("status", "title", "detail") if not hasattr(cls, name)]
        if missing:
            raise TypeError(f"{cls.__name__} must state {', '.join(missing)}")
        if cls.slug() in PROBLEMS:
            raise TypeError(f"there is already a problem named {cls.slug()}")
        PROBLEMS[cls.slug()] = cls
        CONSTRAINTS.update(dict.fromkeys(cls.constraints, cls))

    def __init__(
        self, detail: str | None = None, *, pointer: str | None = None, **members: Any
    ) -> None:
        super().__init__(detail or type(self).detail)
        self.said = detail or type(self).detail
        self.members = members
        pointer = pointer or type(self).pointer
        if pointer is not None:
            self.members["errors"] = [{"pointer": pointer, "detail": self.said}]

    @classmethod
    def slug(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def body(self) -> dict[str, Any]:
        return {
            "type": f"/problems/{self.slug()}",
            "title": self.title,
            "status": self.status,
            "detail": self.said,
            **self.members,
        }


class NotSignedIn(Problem):
    """No token, or one that is expired, forged, or made for somebody else."""

    status = 401
    title = "未登录"
    detail = "请先登录；如已登录，登录可能已过期，请重新登录。"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class PostingChanged(Problem):
    """The session or post behind a valid token has ended, or its grid has moved (M1.3)."""

    status = 401
    title = "任职已变动"
    detail = "您的任职、网格或登录状态已变动，请刷新登录后继续。"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class PasswordToBeChanged(Problem):
    """Somebody else set the password, and could be the one who is asking."""

    status = 403
    title = "请先修改初始密码"
    detail = "您的密码由他人设定，请先改成只有自己知道的密码，再刷新登录后继续。"


class NotPermitted(Problem):
    """The post may not do this, wherever the record lies."""

    status = 403
    title = "没有权限"
    detail = "您当前的任职没有办理此事项的权限。"


class OutsideYourGrid(Problem):
    """A row would be written where the caller has neither jurisdiction nor duty."""

    status = 403
    title = "不在您的网格内"
    detail = "该记录不在您负责的网格范围内，不能登记或修改。"


class NotFound(Problem):
    """No such thing within the caller's reach; existence elsewhere is not revealed."""

    status = 404
    title = "未找到"
    detail = "没有找到该记录，或不在您的网格范围内。"


class MethodNotAllowed(Problem):
    status = 405
    title = "不支持该操作"
    detail = "该地址不支持这种请求方式。"


class NotAcceptable(Problem):
    """A request whose form is not what this address reads (content type, encoding)."""

    status = 415
    title = "请求格式不支持"
    detail = "请使用 application/json、UTF-8 编码提交。"


class RecordDiffers(Problem):
    """The same id was sent before with another body; `fields` names the differing ones."""

    status = 409
    title = "编号已被使用"
    detail = "同一编号此前已提交过不同的内容，本次未保存。"


class Conflict(Problem):
    """A rule held by the database itself refused the change."""

    status = 409
    title = "与现有记录冲突"
    detail = "该操作与现有记录冲突，未保存。"


class VersionMissing(Problem):
    """A correction must say which version it was made from (`If-Match`)."""

    status = 428
    title = "缺少版本号"
    detail = "修改记录时须在 If-Match 请求头中带上所依据的版本号。"


class VersionMismatch(Problem):
    """Somebody corrected the record meanwhile; `version` is the current one."""

    status = 412
    title = "记录已被他人修改"
    detail = "该记录已被修改，请重新读取后再改。"


class BodyTooLarge(Problem):
    status = 413
    title = "内容过大"
    detail = "提交的内容过大，请分批提交。"


class MalformedBody(Problem):
    """The body is not UTF-8 JSON at all."""

    status = 400
    title = "内容无法读取"
    detail = "提交的内容不是有效的 UTF-8 JSON。"


class InvalidInput(Problem):
    """Fields do not hold what they must; `errors` points to each of them (RFC 6901)."""

    status = 422
    title = "填写有误"
    detail = "有填写不正确的内容，请按提示修改后重新提交。"


class TooMany(Problem):
    """Throttled; `Retry-After` says for how many seconds."""

    status = 429
    title = "操作过于频繁"
    detail = "操作过于频繁，请稍后再试。"


class DatabaseUnavailable(Problem):
    """The database does not answer; nothing was written. Try again."""

    status = 503
    title = "服务暂时不可用"
    detail = "服务暂时不可用，您的内容没有保存，请稍后重试。"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class InternalError(Problem):
    """A fault of the service itself; the request id finds it in the log."""

    status = 500
    title = "服务出错"
    detail = "服务出现错误，请稍后重试；如仍不行，请把请求编号告诉管理员。"
