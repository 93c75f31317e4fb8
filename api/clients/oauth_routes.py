"""Where a machine client asks for its token, and where its library finds out how (RFC 8414)."""

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.tokens import ASSERTION_ALGORITHMS
from api.clients.caller import address_of
from api.clients.refusals import SpeaksOAuth, TokenRefusal, TokenRefused
from api.clients.scopes import Scope
from api.clients.tokens import Asked, Issued, TokenOffice, client_named
from api.foundation.contract import operation_name, problems
from api.foundation.problems import BodyTooLarge, TooMany

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

tokens = APIRouter(
    prefix="/v1",
    tags=["clients"],
    route_class=SpeaksOAuth,
    generate_unique_id_function=operation_name,
)
metadata = APIRouter(tags=["clients"], generate_unique_id_function=operation_name)

Text = Annotated[str | None, Field(max_length=4000)]


class TokenRequest(BaseModel):
    """The form of RFC 6749 §4.4.2 and RFC 7523 §2.2; what else it says is ignored."""

    grant_type: Annotated[Text, Field(description="总是 client_credentials")] = None
    scope: Annotated[Text, Field(description="要哪些权限，以空格分隔；不填为全部")] = None
    client_id: Annotated[Text, Field(description="系统的编号；也可用 HTTP Basic")] = None
    client_secret: Annotated[Text, Field(description="共享密钥；也可用 HTTP Basic")] = None
    client_assertion_type: Annotated[Text, Field(description=f"总是 {ASSERTION_TYPE}")] = None
    client_assertion: Annotated[
        Text,
        Field(
            description="私钥签名的 JWT：iss、sub 为系统编号，aud 为本地址，最长5分钟，jti 只用一次"
        ),
    ] = None


class TokenTold(BaseModel):
    """A token (RFC 6749 §5.1)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIwMTg5MGE1ZCJ9.c2lnbmF0dXJl",
                    "token_type": "Bearer",
                    "expires_in": 900,
                    "scope": "health_codes:write",
                }
            ]
        }
    )

    access_token: str = Field(description="令牌，放在 Authorization: Bearer 中")
    token_type: str = Field(description="总是 Bearer")
    expires_in: int = Field(description="还有多少秒到期")
    scope: str = Field(description="令牌的权限，以空格分隔")

    @classmethod
    def of(cls, issued: Issued) -> "TokenTold":
        return cls(
            access_token=issued.access_token,
            token_type="Bearer",  # noqa: S106 - the type of a token, not one
            expires_in=issued.seconds,
            scope=" ".join(issued.scopes),
        )


class ServerMetadata(BaseModel):
    """How tokens are had here (RFC 8414)."""

    issuer: str = Field(description="令牌的签发者")
    token_endpoint: str = Field(description="取得令牌的地址")
    jwks_uri: str = Field(description="验证令牌的公钥的地址")
    grant_types_supported: list[str] = Field(description="授权方式")
    response_types_supported: list[str] = Field(description="没有网页授权，为空列表")
    token_endpoint_auth_methods_supported: list[str] = Field(description="系统如何证明身份")
    token_endpoint_auth_signing_alg_values_supported: list[str] = Field(description="签名算法")
    scopes_supported: list[str] = Field(description="权限")


async def office_of(request: Request) -> TokenOffice:
    state = request.app.state
    audiences = (state.settings.public_url, _token_endpoint(request))
    return TokenOffice(state.database, state.keys, audiences)


def _token_endpoint(request: Request) -> str:
    public_url: str = request.app.state.settings.public_url
    return f"{public_url.rstrip('/')}/v1/oauth/token"


@tokens.post(
    "/oauth/token",
    response_model=TokenTold,
    responses={
        **problems(BodyTooLarge, TooMany),
        400: {"model": TokenRefusal, "description": "请求不对、权限不对"},
        401: {"model": TokenRefusal, "description": "未能证明身份、已停用、已到期、来源地址不允许"},
    },
)
async def issue_token(
    form: Annotated[TokenRequest, Form()],
    request: Request,
    response: Response,
    office: Annotated[TokenOffice, Depends(office_of)],
) -> TokenTold:
    """第三方系统取得令牌（RFC 6749 client_credentials）。

    以 HTTP Basic、表单中的共享密钥，或自有私钥签名的 JWT（RFC 7523）证明身份，只用一种。
    错误的格式按 RFC 6749：error 和英文的 error_description。
    """
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache"})
    return TokenTold.of(await office.issue(await _asked(request, form)))


async def _asked(request: Request, form: TokenRequest) -> Asked:
    """What was asked, by exactly one proof; each parameter may come once (RFC 6749 §3.2)."""
    names = [name for name, _ in (await request.form()).multi_items()]
    if len(names) != len(set(names)) or not form.grant_type:
        raise TokenRefused("invalid_request")
    if form.grant_type != "client_credentials":
        raise TokenRefused("unsupported_grant_type")
    basic = _basic(request)
    client, secret = basic or (form.client_id, form.client_secret)
    assertion = form.client_assertion
    proofs = (basic is not None, form.client_secret is not None, assertion is not None)
    if sum(proofs) > 1 or (basic and form.client_id not in (None, basic[0])):
        raise TokenRefused("invalid_request")
    if (form.client_assertion_type or ASSERTION_TYPE) != ASSERTION_TYPE:
        raise TokenRefused("invalid_request")
    return Asked(
        client=client_named(client, assertion),
        secret=secret,
        assertion=assertion,
        scopes=frozenset((form.scope or "").split()),
        address=address_of(request),
    )


def _basic(request: Request) -> tuple[str, str] | None:
    """Name and secret in the header, each form-encoded before they were joined (§2.3.1)."""
    told = request.headers.getlist("authorization")
    if not told:
        return None
    scheme, _, encoded = told[0].partition(" ")
    if len(told) > 1 or scheme.lower() != "basic":
        raise TokenRefused("invalid_client")
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise TokenRefused("invalid_client") from None
    if not colon:
        raise TokenRefused("invalid_client")
    return unquote_plus(name), unquote_plus(secret)


@metadata.get("/.well-known/oauth-authorization-server", responses=problems())
async def read_authorization_server(request: Request, response: Response) -> ServerMetadata:
    """第三方系统如何取得令牌（RFC 8414）。"""
    response.headers["Cache-Control"] = "public, max-age=3600"
    issuer: str = request.app.state.settings.public_url
    told: dict[str, Any] = {
        "issuer": issuer,
        "token_endpoint": _token_endpoint(request),
        "jwks_uri": f"{issuer.rstrip('/')}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "scopes_supported": list(Scope.labels()),
    }
    return ServerMetadata.model_validate(told)
