"""Tokens and assertions: the only importer of jose (docs/decisions/0004).

One algorithm for each key, keys handed over as constructed objects and chosen by `kid`, all claims
demanded: each of these closes a hole that was found open by trying it.
"""

from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
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
    must_change_password: bool = False
    iat: int
    exp: int
    jti: str

    @property
    def issued_at(self) -> datetime:
        return datetime.fromtimestamp(self.iat, UTC)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, constructed for the one algorithm that it is used with."""

    kid: str
    key: Key
    algorithm: str = _ALGORITHM


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
        """Sign `claims` (sub, sid, cell, post, grid, level, role, …) for the token's lifetime.

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
            raise NotSignedIn("登录已过期，请刷新登录。")
        return claims

    def read_for_machines(self, token: str) -> dict[str, Any]:
        """All that a genuine machine's token says which has not expired; raises as `read`."""
        claims = self._genuine(token, self._machines)
        expires = claims["exp"]
        if not isinstance(expires, int) or clock.now().timestamp() >= expires:
            raise NotSignedIn("令牌已过期，请重新取得。")
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


ASSERTION_ALGORITHMS = ("ES256", "ES384", "RS256", "RS384", "RS512")
"""By what another system may sign the assertion that proves who it is."""

_CURVES = {"P-256": "ES256", "P-384": "ES384"}
_RSA_BITS = range(2048, 8193)
_ASSERTION_LASTS = timedelta(minutes=5)
# Any of our names will do as the audience, and the library would compare with one.
_OF_ASSERTIONS = {"verify_aud": False, "require_aud": False, "require_iat": False}
_CLOCK_ERROR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a genuine assertion says, once (RFC 7523)."""

    jti: str
    expires_at: datetime


def assertion_key(told: Mapping[str, Any]) -> Signer:
    """A public JWK with the one algorithm it verifies by; a ValueError where it is not fit."""
    if told["kty"] == "EC":
        algorithm = _CURVES.get(told.get("crv", ""), "")
        fit = {algorithm} - {""}
    else:
        algorithm = told.get("alg") or "RS256"
        modulus = told.get("n", "")
        number = int.from_bytes(urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4)))
        fit = {"RS256", "RS384", "RS512"} if number.bit_length() in _RSA_BITS else set[str]()
    if algorithm not in fit or told.get("alg", algorithm) != algorithm:
        raise ValueError("not a key for assertions")
    try:
        return Signer(told.get("kid", ""), jwk.construct(dict(told), algorithm), algorithm)
    except (JOSEError, KeyError, TypeError) as error:
        raise ValueError("not a public key") from error


def read_assertion(
    assertion: str, keys: Sequence[Mapping[str, Any]], *, client: str, audiences: Collection[str]
) -> Assertion:
    """What an assertion signed by one of the client's keys says; `NotSignedIn` for any other.

    It is made by and about the client, for one of `audiences`, and lasts at most five minutes;
    whether it was used before, the caller has to ask (RFC 7523 §3).
    """
    if len(assertion) > 2 * _LONGEST or not assertion.isascii():
        raise NotSignedIn
    try:
        key = _chosen_key(assertion, keys)
        told = jwt.decode(
            assertion,
            key.key,
            algorithms=[key.algorithm],
            issuer=client,
            subject=client,
            options={**_OPTIONS, **_OF_ASSERTIONS},
        )
        meant: str | list[str] = told["aud"]
        if set([meant] if isinstance(meant, str) else meant).isdisjoint(audiences):
            raise NotSignedIn
        return _timely(told)
    except (JOSEError, ValueError, TypeError, AttributeError, KeyError, OverflowError):
        raise NotSignedIn from None


def assertion_client(assertion: str) -> str | None:
    """The client an assertion claims to be about, before anything of it is proven."""
    try:
        subject = jwt.get_unverified_claims(assertion).get("sub")
    except (JOSEError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return subject if isinstance(subject, str) else None


def _chosen_key(assertion: str, keys: Sequence[Mapping[str, Any]]) -> Signer:
    """By its `kid`; without one, only where there is no choice.

    What a header calls critical must be understood (RFC 7515 §4.1.11), and the library looks away.
    """
    header = jwt.get_unverified_header(assertion)
    if "crit" in header:
        raise NotSignedIn
    kid = header.get("kid")
    named = [key for key in keys if kid is None or key.get("kid") == kid]
    if len(named) != 1:
        raise NotSignedIn
    return assertion_key(named[0])


def _timely(told: Mapping[str, Any]) -> Assertion:
    now = clock.now()
    expires = datetime.fromtimestamp(told["exp"], UTC)
    begins = datetime.fromtimestamp(max(told.get("nbf", 0), told.get("iat", 0)), UTC)
    jti = told["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or "\0" in jti:
        raise NotSignedIn
    if not now < expires <= now + _ASSERTION_LASTS + _CLOCK_ERROR or begins > now + _CLOCK_ERROR:
        raise NotSignedIn
    return Assertion(jti, expires)


_LONGEST_JTI = 128
