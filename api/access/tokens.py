"""Access tokens: the only importer of jose (docs/decisions/0004).

ES256 alone, keys handed over as constructed objects and chosen by `kid`, all claims demanded: each
of these closes a hole that was found open by trying it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from jose import jwk, jwt
from jose.backends.base import Key
from jose.exceptions import JOSEError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import NotSignedIn
from api.foundation.records import new_id

_ALGORITHM = "ES256"
_OPTIONS = {
    **{f"require_{claim}": True for claim in ("exp", "iat", "aud", "iss", "sub", "jti")},
    # The clock of the service decides (tests move it), not the library's.
    **{f"verify_{claim}": False for claim in ("exp", "iat", "nbf")},
    "leeway": 0,
}
_REMEMBERED = 10_000
_LONGEST = 2_000  # characters; a genuine one has about 700


class Claims(BaseModel):
    """What an access token says; the database is asked again whether it still holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    worker: UUID = Field(alias="sub")
    session: UUID = Field(alias="sid")
    cell: str = Field(pattern=r"^[0-9]{6,12}$")
    post: UUID
    grid: UUID
    level: int = Field(ge=1)
    role: Role
    iat: int
    exp: int
    jti: str

    @property
    def issued_at(self) -> datetime:
        return datetime.fromtimestamp(self.iat, UTC)


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs now."""

    kid: str
    key: Key


class UnknownKey(Exception):
    """The token names a key that is not known here, or not yet."""


class Tokens:
    """Issues and reads access tokens with the keys it is given."""

    def __init__(self, *, issuer: str, audience: str, minutes: int) -> None:
        self._issuer = issuer
        self._audience = audience
        self._machines = f"{audience}/machines"
        self.lifetime = timedelta(minutes=minutes)
        self._signer: Signer | None = None
        self._verifiers: dict[str, Key] = {}
        self._read: OrderedDict[str, Claims] = OrderedDict()

    def use(self, *, signer: Mapping[str, Any], public: list[Mapping[str, Any]]) -> None:
        """Sign with the private JWK `signer` and accept the keys in `public` from now on."""
        self._signer = Signer(str(signer["kid"]), jwk.construct(dict(signer), _ALGORITHM))
        verifiers = {str(key["kid"]): jwk.construct(dict(key), _ALGORITHM) for key in public}
        if verifiers.keys() != self._verifiers.keys():
            self._read.clear()
        self._verifiers = verifiers

    def issue(self, claims: Mapping[str, str | int], *, for_machine: bool = False) -> str:
        """Sign `claims` (sub, sid, cell, post, grid, level, role) for the token's lifetime.

        A machine's token has other claims and an audience of its own, so that neither of the two
        is ever taken for the other.
        """
        assert self._signer is not None, "no signing key is in use"  # noqa: S101
        now = clock.now()
        timed = {
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": new_id().hex,
            "iss": self._issuer,
            "aud": self._machines if for_machine else self._audience,
        }
        return jwt.encode(
            {**claims, **timed},
            self._signer.key,
            algorithm=_ALGORITHM,
            headers={"kid": self._signer.kid},
        )

    def read(self, token: str) -> Claims:
        """The claims of a genuine token that has not expired.

        Raises `NotSignedIn`; `UnknownKey` where the key may just be new.
        """
        claims = self._read.get(token)
        if claims is None:
            # Verification is pure, so its result may be remembered until the token expires.
            claims = self._read[token] = self._verified(token)
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        if clock.now().timestamp() >= claims.exp:
            raise NotSignedIn("登录已过期,请刷新登录。")
        return claims

    def read_for_machines(self, token: str) -> dict[str, Any]:
        """All that a genuine machine's token says which has not expired; raises as `read`."""
        claims = self._genuine(token, self._machines)
        expires = claims["exp"]
        if not isinstance(expires, int) or clock.now().timestamp() >= expires:
            raise NotSignedIn("令牌已过期,请重新取得。")
        return claims

    def _verified(self, token: str) -> Claims:
        try:
            return Claims.model_validate(self._genuine(token, self._audience))
        except ValidationError:
            raise NotSignedIn from None

    def _genuine(self, token: str, audience: str) -> dict[str, Any]:
        if len(token) > _LONGEST or not token.isascii():
            raise NotSignedIn
        try:
            return jwt.decode(
                token,
                self._key_of(token),
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=self._issuer,
                options=_OPTIONS,
            )
        except (JOSEError, ValueError, TypeError, AttributeError):
            raise NotSignedIn from None

    def _key_of(self, token: str) -> Key:
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._verifiers.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise UnknownKey
        return key
