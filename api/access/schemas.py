"""The wire of the gate: signing in, sessions, one's own posts and password, accounts, audit."""

import re
import unicodedata
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.access.permissions import Permission, Role
from api.foundation.fields import Input, Instant, ShortText, Wire
from api.foundation.identity import normalise_phone

_ACCOUNT_NAME = r"[0-9A-Za-z_.㐀-鿿-]{2,50}"
_REFRESH_TOKEN = "TzBt0m9NnlYw5bXz3h0kq2uJ0iWn6kqf3m7cCqk1l4E"  # noqa: S105 - an example


def normalise_login(text: str) -> str:
    """A phone as its digits, an account name in small letters of normal width."""
    try:
        return normalise_phone(text)
    except ValueError:
        return unicodedata.normalize("NFKC", text).strip().casefold()


def _account_name(text: str) -> str:
    name = normalise_login(text)
    if not re.fullmatch(_ACCOUNT_NAME, name):
        raise PydanticCustomError(
            "account_name", "账号名为2到50个汉字、字母、数字、点、下划线或连字符"
        )
    if name.isdigit() and len(name) > 9:  # noqa: PLR2004 - as long as a phone number, or longer
        raise PydanticCustomError(
            "account_name_phone", "账号名不能是电话号码，用电话也可以直接登录"
        )
    return name


def _whole(secret: SecretStr) -> SecretStr:
    if any("\ud800" <= character <= "\udfff" for character in secret.get_secret_value()):
        raise PydanticCustomError("secret_text", "含有无法识别的字符，请重新输入")
    return secret


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [members]})


AccountName = Annotated[
    str,
    AfterValidator(_account_name),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 2,
            "maxLength": 50,
            "pattern": f"^{_ACCOUNT_NAME}$",
            "description": "账号名，不分大小写；不能是电话号码",
            "examples": ["huangxiuying"],
        }
    ),
]
"""A sign-in name: never a phone number, else one person could take another's."""

Password = Annotated[
    SecretStr,
    AfterValidator(_whole),
    Field(min_length=1, max_length=200, description="密码", examples=["Qingshan-lvshui-2022"]),
]
NewPassword = Annotated[
    SecretStr,
    AfterValidator(_whole),
    AfterValidator(_whole),
    Field(
        min_length=10,
        max_length=200,
        description="新密码：至少10个字符，不能与账号、电话或原密码相同，也不能是常见密码",
        examples=["Qingshan-lvshui-2022"],
    ),
]
RefreshSecret = Annotated[
    SecretStr,
    AfterValidator(_whole),
    Field(
        min_length=1,
        max_length=200,
        description="登录或上次刷新时得到的 refresh_token，只能使用一次",
        examples=[_REFRESH_TOKEN],
    ),
]


class SignIn(Input):
    """An account name or phone with its password, and the post where there are several."""

    model_config = _example(login="13800000001", password="Qingzhu-2022", device="小明的手机")  # noqa: S106

    login: Annotated[ShortText, Field(description="账号名或电话", examples=["13800000001"])]
    password: Password
    post_id: Annotated[UUID | None, Field(description="所选任职的编号")] = None
    device: Annotated[
        ShortText | None, Field(description="设备名称，便于本人辨认", examples=["小明的手机"])
    ] = None


class Refresh(Input):
    """A refresh token to be exchanged."""

    model_config = _example(refresh_token=_REFRESH_TOKEN)

    refresh_token: RefreshSecret


class PostSwitch(Input):
    """Another of one's own posts to go on with."""

    model_config = _example(post_id="01890a5d-ac96-774b-bcce-b302099a8057")

    post_id: Annotated[UUID, Field(description="要换到的任职的编号")]


class PasswordChange(Input):
    """One's own password, present and future."""

    model_config = _example(current="Chuci-mima-2022", new="Qingshan-lvshui-2022")

    current: Password
    new: NewPassword


class AccountOpen(Input):
    """A name and a first password for a worker."""

    model_config = _example(name="huangxiuying", initial_password="Chuci-mima-2022")  # noqa: S106

    name: AccountName
    initial_password: NewPassword


class PasswordReset(Input):
    """A first password for a worker who forgot theirs."""

    model_config = _example(initial_password="Chuci-mima-2022")  # noqa: S106

    initial_password: NewPassword


class PostHeld(Wire):
    """A post of one's own: as what, and at which grid."""

    id: UUID = Field(description="任职编号")
    role: Role = Field(description="职责")
    role_label: str = Field(description="职责的中文名称", examples=["网格员"])
    title: str | None = Field(description="职务名称", examples=["四级网格员"])
    grid_id: UUID = Field(description="网格编号")
    grid_code: str = Field(description="网格代码", examples=["451422201201001"])
    grid_name: str = Field(description="网格名称", examples=["柳村一组"])
    level: int = Field(description="网格层级，1 为乡镇", examples=[4])
    cell: str = Field(description="所属乡镇代码", examples=["451422201"])


class TokensRead(Wire):
    """An access token for each request, and a refresh token for when it has expired."""

    access_token: str = Field(description="访问凭证，放在 Authorization: Bearer 之后")
    token_type: Literal["Bearer"] = Field(description="凭证类型")
    expires_in: int = Field(description="访问凭证的有效秒数", examples=[900])
    refresh_token: str = Field(description="刷新凭证，只能使用一次")
    refresh_expires_in: int = Field(description="本次登录还有多少秒到期", examples=[2592000])
    post: PostHeld = Field(description="当前任职")
    must_change_password: bool = Field(
        description="是否须先修改初始密码；为 true 时，改好并刷新登录之前，其他操作一律不能办理"
    )


class Me(Wire):
    """Who one is here, what one may do, and what else one could be."""

    worker_id: UUID = Field(description="本人编号")
    name: str = Field(description="姓名", examples=["黄秀英"])
    account: str = Field(description="账号名", examples=["huangxiuying"])
    post: PostHeld = Field(description="当前任职")
    permissions: list[Permission] = Field(description="当前任职的权限")
    other_posts: list[PostHeld] = Field(description="可以换到的其他任职")
    must_change_password: bool = Field(description="是否须先修改初始密码")


class SessionRead(Wire):
    """One's own sign-in on one device."""

    id: UUID = Field(description="登录编号")
    device: str = Field(description="设备名称", examples=["小明的手机"])
    cell: str = Field(description="所属乡镇代码", examples=["451422201"])
    post_id: UUID = Field(description="任职编号")
    created_at: Instant = Field(description="登录时间")
    used_at: Instant = Field(description="最近一次刷新的时间")
    expires_at: Instant = Field(description="到期时间")
    is_current: bool = Field(description="是否就是本次登录")


class AccountRead(Wire):
    """A worker's account."""

    worker_id: UUID = Field(description="工作人员编号")
    name: str = Field(description="账号名", examples=["huangxiuying"])
    must_change_password: bool = Field(description="是否尚未修改初始密码")
    created_at: Instant = Field(description="开通时间")
    disabled_at: Instant | None = Field(description="停用时间；在用时为 null")


class AuditEntryRead(Wire):
    """Who did what, to what, and when."""

    id: UUID = Field(description="记录编号")
    at: Instant = Field(description="时间")
    action: str = Field(description="操作", examples=["visits.record"])
    subject_id: UUID = Field(description="操作对象的编号")
    worker_id: UUID = Field(description="操作人编号")
    post_id: UUID = Field(description="操作人当时的任职编号")
    session_id: UUID = Field(description="操作人当时的登录编号")
    request_id: str | None = Field(description="请求编号，可在日志中查到")
    details: dict[str, Any] = Field(description="补充说明，不含个人信息")


class PublicKey(Wire):
    """A key that verifies access tokens (RFC 7517)."""

    kty: Literal["EC"] = Field(description="密钥类型")
    crv: Literal["P-256"] = Field(description="曲线")
    alg: Literal["ES256"] = Field(description="签名算法")
    use: Literal["sig"] = Field(description="用途")
    kid: str = Field(description="密钥编号")
    x: str = Field(description="横坐标，base64url")
    y: str = Field(description="纵坐标，base64url")


class KeySet(Wire):
    """The keys that verify now, and the one that signs next."""

    keys: list[PublicKey] = Field(description="公钥")
