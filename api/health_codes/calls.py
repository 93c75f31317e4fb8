"""How a system is asked, as configuration: what is sent, how it is signed, rotating secrets."""

from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from api.foundation.fields import Input
from api.foundation.labels import Labelled
from api.health_codes.templates import MemberName, SecretName, Template


class Part(Input):
    """A part of a document; read out, it names every member, also those that were left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class TimeForm(Labelled):
    """How a system wants the time of a request written."""

    seconds = "seconds", "1970年起的秒数"
    milliseconds = "milliseconds", "1970年起的毫秒数"
    compact = "compact", "年月日时分秒14位数字"
    spaced = "spaced", "2022-02-15 08:30:00"


class Algorithm(Labelled):
    """How the text to be signed becomes the signature."""

    sha256 = "sha256", "SHA-256"
    md5 = "md5", "MD5"
    hmac_sha256 = "hmac_sha256", "HMAC-SHA256"
    sm3 = "sm3", "SM3"
    hmac_sm3 = "hmac_sm3", "HMAC-SM3"
    sm2 = "sm2", "SM2"

    @property
    def keyed(self) -> bool:
        """Whether it takes a secret of its own beside the text."""
        return self in {Algorithm.hmac_sha256, Algorithm.hmac_sm3, Algorithm.sm2}


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise PydanticCustomError("zone", "没有这一时区")
    return name


Zone = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_]+(/[A-Za-z_+-]+)*$",
        max_length=40,
        description="对方时间的时区（IANA名称）",
        examples=["Asia/Shanghai"],
    ),
    AfterValidator(_zone),
]
Path = Annotated[
    str,
    Field(
        pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?$",
        max_length=200,
        description="接在系统地址之后的路径",
        examples=["/health/code"],
    ),
]
Pointed = Annotated[
    str,
    Field(
        pattern=r"^[^.\u0000-\u001f\u007f]+(\.[^.\u0000-\u001f\u007f]+)*$",
        max_length=200,
        description="答复中的位置，以点相隔；列表取第几项用数字，每一项用*；字符串中的JSON照样深入",
        examples=["data.content.data.healthyReport.*.healthyStaus"],
    ),
]
Said = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^[^\u0000-\u001f\u007f]*$",
        description="对方答复的值，写成文字",
        examples=["00"],
    ),
]


def _form(value: Any) -> str:
    return "object" if isinstance(value, dict) else "text"


Content = Annotated[
    Annotated[Template, Tag("text")] | Annotated[dict[MemberName, Template], Tag("object")],
    Discriminator(_form),
]


class Clock(Part):
    """How the system tells the time."""

    form: Annotated[TimeForm, Field(description="请求中时间的写法")] = TimeForm.milliseconds
    zone: Zone = "Asia/Shanghai"


class Call(Part):
    """One kind of request: where it goes and what it carries."""

    path: Path
    method: Annotated[Literal["GET", "POST"], Field(description="请求方法")] = "POST"
    body: Annotated[
        Literal["query", "form", "multipart", "json"],
        Field(description="内容放在哪里：地址后的参数、表单、分段表单、JSON"),
    ] = "form"
    fields: Annotated[
        dict[MemberName, Content], Field(min_length=1, max_length=40, description="各项内容")
    ]
    optional: Annotated[
        list[MemberName],
        Field(max_length=20, description="所需信息不知道时可以不发的各项", default_factory=list),
    ]
    inner: Annotated[
        Literal["text", "object"],
        Field(description="内容中的对象：text为写成JSON文字（如bizExtData），object为照原样"),
    ] = "text"
    headers: Annotated[
        dict[MemberName, Template],
        Field(max_length=20, description="请求头", default_factory=dict),
    ]
    repeatable: Annotated[bool, Field(description="没有收到答复时能否再发一次（查询一般可以）")] = (
        True
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.method == "GET" and self.body != "query":
            raise PydanticCustomError("call", "GET 请求的内容只能放在地址后的参数中")
        return self


class Sorted(Part):
    """All fields as `name=value`, by name, joined (the commonest of all)."""

    kind: Literal["sorted"]
    joined_by: Annotated[str, Field(max_length=4, pattern=r"^[!-~]*$")] = "&"
    unsent: Annotated[
        dict[MemberName, Template],
        Field(max_length=10, description="参与签名但不发送的各项", default_factory=dict),
    ]
    then: Annotated[Template, Field(description="接在末尾的文字，如 &key={secret.app_secret}")] = ""
    skip_empty: Annotated[bool, Field(description="空值不参与签名")] = False


class Parts(Part):
    """Some texts one after the other, such as appId, secret and timestamp."""

    kind: Literal["parts"]
    parts: Annotated[
        list[Template], Field(min_length=1, max_length=20, description="依次相接的各段")
    ]


class Signature(Part):
    """What is signed, how, with which secret, and where the signature goes."""

    over: Annotated[Sorted | Parts, Field(discriminator="kind", description="对什么签名")]
    algorithm: Annotated[Algorithm, Field(description="签名算法")]
    secret: Annotated[
        SecretName | None, Field(description="HMAC、SM2 所用的密钥名；其余算法不填")
    ] = None
    encoding: Annotated[Literal["hex", "upper_hex", "base64"], Field(description="签名的写法")] = (
        "hex"
    )
    name: Annotated[MemberName, Field(description="签名放在哪一项", examples=["sign"])] = "sign"
    place: Annotated[Literal["field", "header"], Field(description="作为内容还是请求头发送")] = (
        "field"
    )

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        if self.algorithm.keyed != (self.secret is not None):
            raise PydanticCustomError("signature", "HMAC、SM2 须填密钥名，其余算法不填")
        return self


class Rotation(Part):
    """A secret that is fetched, serves for a while, and is fetched again."""

    call: Annotated[Call, Field(description="取密钥的请求")]
    signature: Annotated[Signature | None, Field(description="取密钥请求的签名；没有则不填")] = None
    secret: Annotated[SecretName, Field(description="取得后以此名使用")]
    secret_at: Annotated[Pointed, Field(description="密钥在答复中的位置")]
    lifetime_seconds: Annotated[int, Field(ge=10, le=604_800, description="多久重新取一次，秒")]
