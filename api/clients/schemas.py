"""Machine clients on the wire: registered, changed, rotated, disabled by the township."""

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from api.access.tokens import assertion_key
from api.clients.models import Proof
from api.clients.scopes import Scope
from api.foundation.fields import Input, Instant, RecordId, ShortText, Wire, unsaid
from api.foundation.labels import Labelled

_SECRET = "ogs_2cXz0h3kq2uJ0iWn6kqf3m7cCqk1l4ETzBt0m9NnlYw"  # noqa: S105 - an example
_KEY: dict[str, Any] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "kid": "2022-02",
}


class ClientStatus(Labelled):
    """Whether a client may call."""

    active = "active", "可用"
    expired = "expired", "已到期"
    disabled = "disabled", "已停用"


def _each_once(scopes: list[Scope]) -> list[Scope]:
    return sorted(set(scopes))


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise PydanticCustomError("network", "应为 IP 地址或网段，如 203.0.113.0/24") from None


def _addresses_once(networks: list[str]) -> list[str]:
    return list(dict.fromkeys(networks))


def _usable(key: "ClientPublicKey") -> "ClientPublicKey":
    try:
        assertion_key(key.model_dump(exclude_none=True))
    except ValueError:
        raise PydanticCustomError(
            "public_key", "公钥无法使用：应为 P-256、P-384 或 2048 位以上 RSA 的公钥（JWK）"
        ) from None
    return key


Base64Url = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,1400}$")]
Base64UrlOrNone = Annotated[Base64Url | None, Field(description="公钥的数值，base64url")]


class ClientPublicKey(Input):
    """A public key (RFC 7517); the private half stays with the other system."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    kty: Annotated[str, Field(pattern="^(EC|RSA)$", description="密钥类型：EC 或 RSA")]
    crv: Annotated[str | None, Field(pattern="^P-(256|384)$", description="曲线，EC 才填")] = None
    x: Base64UrlOrNone = None
    y: Base64UrlOrNone = None
    n: Base64UrlOrNone = None
    e: Base64UrlOrNone = None
    alg: Annotated[
        str | None,
        Field(
            pattern="^(ES256|ES384|RS256|RS384|RS512)$", description="签名算法；不填则按密钥类型"
        ),
    ] = None
    use: Annotated[str | None, Field(pattern="^sig$", description="用途，只能为 sig")] = None
    kid: Annotated[str | None, Field(pattern=r"^[\x21-\x7e]{1,100}$", description="密钥的标识")] = (
        None
    )


Scopes = Annotated[
    list[Scope],
    Field(min_length=1, max_length=len(Scope), description="允许该系统做什么"),
    AfterValidator(_each_once),
]
Network = Annotated[
    str,
    AfterValidator(_network),
    WithJsonSchema({"type": "string", "minLength": 2, "maxLength": 43}),
]
Networks = Annotated[
    list[Network],
    Field(
        max_length=50,
        description="允许从哪些地址（网段）请求；空列表为不限",
        examples=[["203.0.113.0/24"]],
    ),
    AfterValidator(_addresses_once),
]
Keys = Annotated[
    list[Annotated[ClientPublicKey, AfterValidator(_usable)]],
    Field(
        max_length=5,
        description="自有私钥签名时为其公钥，多把须以 kid 区分；共享密钥时为空列表",
    ),
]
Expiry = Annotated[
    Instant, Field(description="何时到期，最长一年；到期以后、延期以前的事件不推送，延期后也不补")
]
_IN_GRID = Field(description="该系统只看得到、写得到该网格及其下级网格")

_CLIENT: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "name": "县疾控中心检测结果推送",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "scopes": ["health_codes:write", "test_results:write"],
    "allowed_addresses": ["203.0.113.0/24"],
    "expires_at": "2022-12-31T16:00:00Z",
    "proof": "secret",
}


def _distinct(keys: list[ClientPublicKey]) -> bool:
    kids = [key.kid for key in keys]
    return len(keys) == 1 or (None not in kids and len(set(kids)) == len(kids))


class MachineClientRegister(Input):
    """Another system that is to be let in."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CLIENT]})

    id: RecordId
    name: Annotated[ShortText, Field(description="哪个单位的什么系统")]
    grid_id: Annotated[RecordId, _IN_GRID]
    scopes: Scopes
    allowed_addresses: Networks = Field(default_factory=list[str])
    expires_at: Expiry
    proof: Annotated[Proof, Field(description="以何种方式证明身份")]
    keys: Keys = Field(default_factory=list[ClientPublicKey])

    @model_validator(mode="after")
    def _keys_fit_the_proof(self) -> "MachineClientRegister":
        if (self.proof is Proof.private_key_jwt) != bool(self.keys):
            raise PydanticCustomError(
                "keys_and_proof", "自有私钥签名须提交公钥，共享密钥不须提交公钥"
            )
        if self.keys and not _distinct(self.keys):
            raise PydanticCustomError("keys_alike", "多把公钥须以不同的 kid 区分")
        return self


class MachineClientChange(Input):
    """What changes about a client; tokens that say otherwise stop working at once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"scopes": ["health_codes:write"], "reason": "缩小范围"}]}
    )

    name: Annotated[ShortText, Field(description="哪个单位的什么系统")] = unsaid()
    grid_id: Annotated[RecordId, _IN_GRID] = unsaid()
    scopes: Scopes = unsaid()
    allowed_addresses: Networks = unsaid()
    expires_at: Expiry = unsaid()
    reason: Annotated[ShortText | None, Field(description="变更的理由，留存备查")] = None


class CredentialRotate(Input):
    """A new secret or new keys, and how long the former ones live on beside them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24, "keys": []}]})

    overlap_hours: Annotated[
        int, Field(ge=0, le=168, description="原密钥还可用多少小时；0 为立即失效")
    ] = 24
    keys: Keys = Field(default_factory=list[ClientPublicKey])

    @model_validator(mode="after")
    def _keys_differ(self) -> "CredentialRotate":
        if self.keys and not _distinct(self.keys):
            raise PydanticCustomError("keys_alike", "多把公钥须以不同的 kid 区分")
        return self


class MachineClientDisable(Input):
    """Why a client may call no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "合同到期，不再对接"}]})

    reason: Annotated[ShortText, Field(description="停用的理由，留存备查")]


_CREDENTIAL: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8059",
    "made_at": "2022-02-15T01:00:00Z",
    "used_at": "2022-02-15T01:05:00Z",
    "ends_at": None,
    "kids": [],
}


class CredentialRead(Wire):
    """One secret, never itself, or one set of keys."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CREDENTIAL]})

    id: UUID
    made_at: Annotated[datetime, Field(description="何时产生")]
    used_at: Annotated[datetime | None, Field(description="最近一次用来取得令牌的时间")]
    ends_at: Annotated[datetime | None, Field(description="何时失效；未轮换的为 null")]
    kids: Annotated[list[str | None], Field(description="公钥的标识；共享密钥为空列表")]


_KEPT: dict[str, Any] = {
    **_CLIENT,
    "version": 1,
    "grid_name": "青竹乡",
    "status": "active",
    "created_at": "2022-02-15T01:00:00Z",
    "created_by": "01890a5d-ac96-774b-bcce-b302099a805a",
    "disabled_at": None,
    "disabled_reason": None,
    "credentials": [_CREDENTIAL],
}


class MachineClientRead(Wire):
    """A client as it is kept; its secret is nowhere."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEPT]})

    id: UUID
    version: int
    name: Annotated[str, Field(description="哪个单位的什么系统")]
    grid_id: Annotated[UUID, _IN_GRID]
    grid_name: str
    scopes: Annotated[list[Scope], Field(description="允许该系统做什么")]
    allowed_addresses: Annotated[list[str], Field(description="允许的来源网段；空为不限")]
    proof: Annotated[Proof, Field(description="以何种方式证明身份")]
    status: Annotated[ClientStatus, Field(description="现在是否可用")]
    expires_at: Annotated[datetime, Field(description="何时到期")]
    created_at: Annotated[datetime, Field(description="何时登记")]
    created_by: Annotated[UUID, Field(description="登记的人")]
    disabled_at: Annotated[datetime | None, Field(description="何时停用；没有停用的为 null")]
    disabled_reason: Annotated[str | None, Field(description="停用的理由")]
    credentials: Annotated[list[CredentialRead], Field(description="还可用的密钥，最新的在前")]


class MachineClientWithSecret(MachineClientRead):
    """The one answer that carries the secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_KEPT, "secret": _SECRET}]})

    secret: Annotated[
        str | None,
        Field(description="共享密钥，只在此处显示一次；自有私钥签名的、重复提交的为 null"),
    ]
