"""Health-code systems on the wire: set up, changed, tried out, and how each is doing."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.foundation.fields import (
    Input,
    LongText,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)
from api.health_codes.documents import EXAMPLE, SystemDocument
from api.health_codes.templates import SecretName

SystemCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{1,39}$",
        description="系统代码：小写字母开头，由小写字母、数字、下划线组成",
        examples=["gx_health_code"],
    ),
]


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.hostname and (parts.port is None or parts.port > 0) and "@" not in text
    except ValueError:
        usable = False
    if not usable:
        raise PydanticCustomError("base_url", "地址应以 http:// 或 https:// 开头，不带账号和参数")
    return text.rstrip("/")


BaseUrl = Annotated[
    str,
    Field(
        max_length=300,
        pattern=r"^https?://[A-Za-z0-9\[\]:._-]+(/[A-Za-z0-9._~-]+)*/?$",
        description="系统的地址，只支持 http 和 https",
        examples=["https://jkm.example.gov.cn/center/api"],
    ),
    AfterValidator(_address),
]
SecretText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4000,
        pattern=r"^[^\u0000-\u001f\u007f]+$",
        description="密钥内容，只能写入，不能读出",
    ),
]
Secrets = Annotated[
    dict[SecretName, SecretText],
    Field(max_length=20, description="各密钥及其内容；只能写入，不能读出", default_factory=dict),
]
_SAID: dict[str, Any] = {
    "name": "自治区健康码",
    "base_url": "https://jkm.example.gov.cn/center/api",
    "enabled": True,
}
_READ: dict[str, Any] = {
    **_SAID,
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e11",
    "version": 1,
    "code": "gx_health_code",
    "secrets_set": ["app_id", "secret_key"],
    "secrets_missing": [],
    "changed_at": "2022-02-15T00:30:00Z",
}


_WHOLE = SystemDocument.model_validate(EXAMPLE).model_dump(mode="json")


class HealthCodeSystemRecord(Input):
    """A system that the township asks: by a preset, or by a document of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_SAID,
                    "id": _READ["id"],
                    "code": "gx_health_code",
                    "preset": "gate_vendor",
                    "secrets": {"app_id": "qingzhu", "secret_key": "a-secret-of-the-vendor"},
                }
            ]
        }
    )

    id: RecordId
    code: SystemCode
    name: Annotated[ShortText, Field(description="系统名称")]
    base_url: BaseUrl
    preset: Annotated[SystemCode | None, Field(description="采用预置配置；与document二者填一")] = (
        None
    )
    document: Annotated[SystemDocument | None, Field(description="系统配置；与preset二者填一")] = (
        None
    )
    secrets: Secrets
    enabled: Annotated[bool, Field(description="是否启用")] = True

    @model_validator(mode="after")
    def _is_asked_one_way(self) -> "HealthCodeSystemRecord":
        if (self.preset is None) == (self.document is None):
            raise PydanticCustomError("document", "预置配置和系统配置须填且只填一项")
        return self


class HealthCodeSystemChange(Input):
    """Only the members that change; a secret set to null is removed, others stay."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"enabled": False, "reason": "省平台停机检修"}]}
    )

    name: Annotated[ShortText, Field(description="系统名称", default_factory=unsaid)]
    base_url: Annotated[BaseUrl, Field(default_factory=unsaid)]
    document: Annotated[SystemDocument, Field(description="系统配置", default_factory=unsaid)]
    secrets: Annotated[
        dict[SecretName, SecretText | None],
        Field(max_length=20, description="要更换的密钥；null为删除", default_factory=unsaid),
    ]
    enabled: Annotated[bool, Field(description="是否启用", default_factory=unsaid)]
    reason: Annotated[LongText | None, Field(description="更改原因，留存备查")] = None


class VersionOf(NamedTuple):
    """The system of a code, as it stood in a version."""

    code: str
    version: int


class HealthCodeSystemListed(Wire):
    """A system, without its document and never with its secrets."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID
    version: int
    code: Annotated[str, Field(description="系统代码")]
    name: Annotated[str, Field(description="系统名称")]
    base_url: Annotated[str, Field(description="系统的地址")]
    enabled: Annotated[bool, Field(description="是否启用")]
    secrets_set: Annotated[list[str], Field(description="已填写的密钥名")]
    secrets_missing: Annotated[list[str], Field(description="尚缺的密钥名；有缺的不能查询")]
    changed_at: Annotated[datetime, Field(description="最近更改的时间")]


class HealthCodeSystemRead(HealthCodeSystemListed):
    """A system with its document, never with its secrets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_READ, "document": _WHOLE}]})

    document: Annotated[SystemDocument, Field(description="系统配置")]


class HealthCodePreset(Wire):
    """A configuration that ships with the service, from a public description."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "gate_vendor",
                    "name": "闸机厂商健康码接口",
                    "source": "根据公开的闸机健康码接口说明整理，结果代码须与厂商核对。",
                    "document": _WHOLE,
                }
            ]
        }
    )

    code: Annotated[str, Field(description="预置配置代码", examples=["gate_vendor"])]
    name: Annotated[str, Field(description="名称")]
    source: Annotated[str, Field(description="内容从何得知，哪些须与对方核对")]
    document: Annotated[SystemDocument, Field(description="系统配置")]


class HealthCodePresets(Wire):
    """The configurations that ship with the service."""

    items: list[HealthCodePreset]
