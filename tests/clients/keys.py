"""Keys and assertions of other systems, signed by a library that is not the service's."""

import base64
import json
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from api.foundation import clock
from api.foundation.records import new_id


class KeyPair(NamedTuple):
    """A key of P-256 and its public half as a JWK."""

    key: ec.EllipticCurvePrivateKey
    kid: str

    @property
    def public(self) -> dict[str, str]:
        point = self.key.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "kid": self.kid,
            "x": _base64url(point.x.to_bytes(32)),
            "y": _base64url(point.y.to_bytes(32)),
        }

    @property
    def private(self) -> dict[str, str]:
        return {
            **self.public,
            "d": _base64url(self.key.private_numbers().private_value.to_bytes(32)),
        }

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        parts = {"alg": "ES256", "typ": "JWT", "kid": self.kid, **header}
        text = f"{_part(parts)}.{_part(claims)}"
        signature = self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{text}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


def a_key_pair(kid: str = "2022-02") -> KeyPair:
    return KeyPair(ec.generate_private_key(ec.SECP256R1()), kid)


class RsaKey(NamedTuple):
    """An RSA key and its public half as a JWK."""

    key: rsa.RSAPrivateKey

    @property
    def public(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": "rsa",
            "n": _base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
            "e": _base64url(numbers.e.to_bytes(3)),
        }

    def sign(self, claims: dict[str, Any]) -> str:
        text = f"{_part({'alg': 'RS256', 'kid': 'rsa'})}.{_part(claims)}"
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_base64url(signature)}"


def an_rsa_key(bits: int = 2048) -> RsaKey:
    return RsaKey(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def claims_of(client: str, **told: Any) -> dict[str, Any]:
    """What an assertion says that is right in everything but what is told otherwise."""
    now = int(clock.now().timestamp())
    said = {
        "iss": client,
        "sub": client,
        "aud": "http://127.0.0.1:8000/v1/oauth/token",
        "iat": now,
        "exp": now + 240,
        "jti": new_id().hex,
        **told,
    }
    return {name: value for name, value in said.items() if value is not None}


def _part(told: dict[str, Any]) -> str:
    return _base64url(json.dumps(told).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
