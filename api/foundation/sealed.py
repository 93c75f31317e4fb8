"""Personal data at rest: sealed with a key that can be replaced, found again by a keyed hash."""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = 1
_HEADER_BYTES = 2
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SealBroken(Exception):
    """A value that no key opens here: altered, moved to another column, or its key is gone."""


class Keyring:
    """The keys of one installation: the current one seals, every one opens, one more looks up.

    A sealed value is the version, the length of the key id, the key id, a random 96-bit nonce, and
    the AES-256-GCM text with its tag (NIST SP 800-38D). All that stands before the nonce is
    authenticated, and so is the context, for example `residents.phone`: a value that is copied to
    another column no longer opens. A key seals at most 2³² values; then a new one takes its place.
    """

    __slots__ = ("_ciphers", "_current", "_header", "_keyed", "_lookup_key")

    def __init__(self, sealing_keys: Mapping[str, bytes], current: str, lookup_key: bytes) -> None:
        if current not in sealing_keys:
            raise ValueError("the current sealing key must be one of the sealing keys")
        if any(not _KEY_ID.fullmatch(key_id) for key_id in sealing_keys):
            raise ValueError("a key id is 1 to 32 letters, digits, hyphens or underscores")
        if any(len(key) != KEY_BYTES for key in (*sealing_keys.values(), lookup_key)):
            raise ValueError(f"every key must have {KEY_BYTES} bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in sealing_keys.items()}
        self._current = current
        self._header = bytes((_VERSION, len(current))) + current.encode("ascii")
        self._lookup_key = lookup_key
        self._keyed: dict[str, hmac.HMAC] = {}

    @classmethod
    def parse(cls, sealing_keys: str, lookup_key: str) -> "Keyring":
        """Read the two settings; the first sealing key is the current one.

        `sealing_keys` reads `2026a:base64,2025b:base64`. What is wrong is told in a ValueError that
        names the setting and never the key.
        """
        keys: dict[str, bytes] = {}
        for entry in sealing_keys.split(","):
            key_id, colon, encoded = entry.strip().partition(":")
            if not colon or not _KEY_ID.fullmatch(key_id):
                raise ValueError(
                    "ONEGRID_SEALING_KEYS must be a list of key-id:base64 separated by commas."
                )
            if key_id in keys:
                raise ValueError("ONEGRID_SEALING_KEYS names the same key id twice.")
            keys[key_id] = _decoded(encoded, setting="ONEGRID_SEALING_KEYS")
        return cls(keys, next(iter(keys)), _decoded(lookup_key, setting="ONEGRID_LOOKUP_KEY"))

    def __repr__(self) -> str:
        return f"Keyring(current={self._current!r}, keys={len(self._ciphers)})"

    def seal(self, plain: str, *, context: str) -> bytes:
        """The sealed form of a text; the same text never gives the same bytes twice."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = self._header + context.encode()
        return (
            self._header
            + nonce
            + self._ciphers[self._current].encrypt(nonce, plain.encode(), bound)
        )

    def open(self, sealed: bytes, *, context: str) -> str:
        """The text that was sealed in this context; SealBroken where that cannot be proved."""
        start = self._nonce_at(sealed)
        header, nonce = sealed[:start], sealed[start : start + _NONCE_BYTES]
        cipher = self._ciphers.get(self.key_id(sealed))
        if cipher is None:
            raise SealBroken("the key of this value is not on the ring")
        try:
            plain = cipher.decrypt(nonce, sealed[start + _NONCE_BYTES :], header + context.encode())
        except InvalidTag:
            raise SealBroken("the value was altered or belongs elsewhere") from None
        return plain.decode()

    def lookup(self, plain: str, *, context: str) -> bytes:
        """The keyed hash (HMAC-SHA256, 32 bytes) that finds a text exactly, within one context."""
        keyed = self._keyed.get(context)
        if keyed is None:
            keyed = hmac.new(self._lookup_key, context.encode() + b"\0", "sha256")
            self._keyed[context] = keyed
        mac = keyed.copy()  # the key is set up once for each context, of which there are few
        mac.update(plain.encode())
        return mac.digest()

    def key_id(self, sealed: bytes) -> str:
        """The id of the key that sealed a value, on the ring or not."""
        try:
            return sealed[_HEADER_BYTES : self._nonce_at(sealed)].decode("ascii")
        except UnicodeDecodeError:
            raise SealBroken("not a sealed value") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether the current key sealed this value; if not, it is due to be sealed anew."""
        return self.key_id(sealed) == self._current

    @staticmethod
    def _nonce_at(sealed: bytes) -> int:
        if len(sealed) < _HEADER_BYTES or sealed[0] != _VERSION:
            raise SealBroken("not a sealed value")
        start = _HEADER_BYTES + sealed[1]
        if len(sealed) < start + _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken("the value was cut short")
        return start


def new_key() -> str:
    """A fresh 256-bit key in base64, for either setting."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def _decoded(encoded: str, *, setting: str) -> bytes:
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"{setting} must hold keys of {KEY_BYTES} bytes in base64.")
    return key
