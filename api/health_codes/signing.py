"""Signatures as health-code systems want them (domain 2.4): over what, how made, how written."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from api.health_codes.calls import Algorithm, Signature, Sorted
from api.health_codes.templates import fill, fill_all


class CannotSign(Exception):
    """The key is none of this algorithm's, or its library is not installed; never tells the key."""


def signature_of(rule: Signature, fields: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The signature of a request with these fields, written as the system wants it.

    `known` is what gaps are filled with. Raises `CannotSign`, and KeyError for what is not known.
    """
    text = signed_text(rule, fields, known)
    secret = "" if rule.secret is None else known[f"secret.{rule.secret}"]
    digest = _ALGORITHMS[rule.algorithm](text.encode(), secret)
    if rule.encoding == "base64":
        return base64.b64encode(digest).decode("ascii")
    return digest.hex().upper() if rule.encoding == "upper_hex" else digest.hex()


def signed_text(rule: Signature, fields: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The text that a signature is made over."""
    over = rule.over
    if not isinstance(over, Sorted):
        return "".join(fill(part, known) for part in over.parts)
    pairs = {**fields, **fill_all(over.unsent, known)}
    told = (
        f"{name}={value}" for name, value in sorted(pairs.items()) if value or not over.skip_empty
    )
    return over.joined_by.join(told) + fill(over.then, known)


def check_signable(rule: Signature) -> None:
    """Raise `CannotSign` where the library that an algorithm needs is not installed."""
    if rule.algorithm is Algorithm.sm2:
        _sm2_library()


def _sha256(text: bytes, _: str) -> bytes:
    return hashlib.sha256(text).digest()


def _md5(text: bytes, _: str) -> bytes:
    return hashlib.md5(text, usedforsecurity=False).digest()


def _hmac_sha256(text: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), text, "sha256")


def _sm3(text: bytes, _: str) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(text)
    return digest.finalize()


def _hmac_sm3(text: bytes, secret: str) -> bytes:
    digest = HMAC(secret.encode(), hashes.SM3())
    digest.update(text)
    return digest.finalize()


def _sm2(text: bytes, secret: str) -> bytes:
    """SM2 with SM3 over Z and the text (GB/T 32918.2), as r and s, 32 bytes each."""
    library = _sm2_library()
    try:
        private = int(secret, 16)
    except ValueError:
        raise CannotSign("the private key is not a number in hex") from None
    crypt = library.CryptSM2(private_key=f"{private:064x}", public_key="")
    order = int(crypt.ecc_table["n"], 16)
    if not 0 < private < order - 1:
        raise CannotSign("the private key is no number of the curve")
    # Set here, since the library strips leading zeros and fours from one that it is given.
    crypt.public_key = crypt._kg(private, crypt.ecc_table["g"])  # noqa: SLF001 - the only way there
    # Its own random numbers are not for secrets.
    return bytes.fromhex(crypt.sign_with_sm3(text, f"{1 + secrets.randbelow(order - 1):064x}"))


def _sm2_library() -> Any:
    try:
        return import_module("gmssl.sm2")
    except ImportError:
        raise CannotSign("install onegrid[sm2] for signatures by SM2") from None


_ALGORITHMS: dict[Algorithm, Callable[[bytes, str], bytes]] = {
    Algorithm.sha256: _sha256,
    Algorithm.md5: _md5,
    Algorithm.hmac_sha256: _hmac_sha256,
    Algorithm.sm3: _sm3,
    Algorithm.hmac_sm3: _hmac_sm3,
    Algorithm.sm2: _sm2,
}
