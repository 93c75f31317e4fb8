"""Signatures against vectors that were computed apart, and against their definitions."""

import base64
import hashlib
import hmac
import sys
from typing import Any

import pytest
from gmssl import func, sm2, sm3
from hypothesis import given, settings
from hypothesis import strategies as st

from api.health_codes.calls import Signature
from api.health_codes.signing import CannotSign, check_signable, signature_of

_TEXTS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc"]),
    max_size=30,
)
_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,10}", fullmatch=True)
_FIELDS = st.dictionaries(_NAMES, _TEXTS, min_size=1, max_size=8)
PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"


def _rule(**told: Any) -> Signature:
    return Signature.model_validate({"over": {"kind": "sorted"}, **told})


def _parts(*names: str) -> dict[str, Any]:
    return {"kind": "parts", "parts": [f"{{{name}}}" for name in names]}


def test_what_openssl_computes_from_the_same_texts():
    fields = {
        "timestamp": "1644883800000",
        "secretKey": "s3cret",
        "name": "黄秀英",
        "certificate_id": "451422199001010012",
        "appId": "qingzhu",
    }
    told = signature_of(_rule(algorithm="sha256", encoding="upper_hex"), fields, {})
    assert told == "C57B50C6488CBFB27F78360B09F93B17F5E4135E5457296D75367E9D55C14350"
    known = {"secret.id": "qingzhu", "secret.key": "s3cret", "timestamp": "1644883800000"}
    over = _parts("secret.id", "secret.key", "timestamp")
    told = signature_of(_rule(over=over, algorithm="sha256"), {}, known)
    assert told == "5e45319730b3c850b68228a085e2956f3e88bc770b521eadbc6778fa2c384378"
    told = signature_of(_rule(over=over, algorithm="md5"), {}, known)
    assert told == "f1ece5fb85f85b1c6211feee7f529973"


@given(_FIELDS)
def test_sorted_pairs_by_sha256(fields: dict[str, str]):
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    expected = hashlib.sha256(text.encode()).hexdigest().upper()
    assert signature_of(_rule(algorithm="sha256", encoding="upper_hex"), fields, {}) == expected


@given(_FIELDS, _TEXTS)
def test_a_secret_may_be_signed_and_not_sent_before_or_behind_the_pairs(
    fields: dict[str, str], secret: str
):
    known = {"secret.key": secret}
    over = {"kind": "sorted", "skip_empty": True, "then": "&key={secret.key}"}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])
    expected = hashlib.sha256(f"{text}&key={secret}".encode()).hexdigest()
    assert signature_of(_rule(over=over, algorithm="sha256"), fields, known) == expected

    over = {"kind": "sorted", "joined_by": "", "unsent": {"Zz9": "{secret.key}"}}
    both = {**fields, "Zz9": secret}
    text = "".join(f"{name}={both[name]}" for name in sorted(both))
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert signature_of(_rule(over=over, algorithm="sha256"), fields, known) == expected


@given(_TEXTS, _TEXTS, st.integers(0, 2**41))
def test_id_secret_and_time_by_sha256_and_by_md5(identity: str, secret: str, time: int):
    known = {"secret.id": identity, "secret.key": secret, "timestamp": str(time)}
    over = _parts("secret.id", "secret.key", "timestamp")
    text = f"{identity}{secret}{time}".encode()
    assert signature_of(_rule(over=over, algorithm="sha256"), {}, known) == (
        hashlib.sha256(text).hexdigest()
    )
    assert signature_of(_rule(over=over, algorithm="md5"), {}, known) == (
        hashlib.md5(text).hexdigest()
    )


@given(_FIELDS, st.text(min_size=1, max_size=40))
def test_hmac_sha256_in_base64(fields: dict[str, str], secret: str):
    rule = _rule(algorithm="hmac_sha256", secret="key", encoding="base64")
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    told = signature_of(rule, fields, {"secret.key": secret})
    assert base64.b64decode(told, validate=True) == digest


@settings(max_examples=20)
@given(_FIELDS)
def test_sm3_as_another_library_computes_it(fields: dict[str, str]):
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    expected = sm3.sm3_hash(func.bytes_to_list(text.encode()))
    assert signature_of(_rule(algorithm="sm3"), fields, {}) == expected


def test_the_example_of_the_standard_for_sm3():
    """GB/T 32905-2016, annex A.1."""
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    over = {"kind": "parts", "parts": ["abc"]}
    assert signature_of(_rule(over=over, algorithm="sm3"), {}, {}) == expected


def test_the_examples_of_rfc_4231_and_rfc_1321():
    over = {"kind": "parts", "parts": ["what do ya want for nothing?"]}
    rule = _rule(over=over, algorithm="hmac_sha256", secret="key")
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature_of(rule, {}, {"secret.key": "Jefe"}) == expected
    over = {"kind": "parts", "parts": ["message digest"]}
    expected = "f96b697d7cb7938d525a2f31aaf161d0"
    assert signature_of(_rule(over=over, algorithm="md5"), {}, {}) == expected


def test_a_signature_by_sm2_is_verified_by_the_public_key_alone():
    rule = _rule(algorithm="sm2", secret="key")
    fields = {"appId": "qingzhu", "name": "黄秀英"}
    crypt = sm2.CryptSM2(private_key=PRIVATE, public_key="")
    crypt.public_key = crypt._kg(int(PRIVATE, 16), crypt.ecc_table["g"])
    signed = {signature_of(rule, fields, {"secret.key": PRIVATE}) for _ in range(2)}
    assert len(signed) == 2  # each with a random number of its own
    for each in signed:
        assert crypt.verify_with_sm3(each, "appId=qingzhu&name=黄秀英".encode())
        assert not crypt.verify_with_sm3(each, "appId=qingzhu&name=黄秀兰".encode())


@pytest.mark.parametrize("key", ["not hex", "0", "f" * 64])
def test_a_private_key_that_is_none_is_told_without_being_quoted(key: str):
    with pytest.raises(CannotSign) as refusal:
        signature_of(_rule(algorithm="sm2", secret="key"), {"a": "b"}, {"secret.key": key})
    assert key not in str(refusal.value) or key == "0"


def test_without_its_library_sm2_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gmssl.sm2", None)
    with pytest.raises(CannotSign, match=r"onegrid\[sm2\]"):
        check_signable(_rule(algorithm="sm2", secret="key"))
