"""What is sealed opens only with its key, in its place, untouched."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.foundation.sealed import Keyring, SealBroken, new_key

OLD, NEW, LOOKUP = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
RING = Keyring({"2026a": NEW, "2025b": OLD}, "2026a", LOOKUP)
PHONE = "residents.phone"


@given(st.text())
def test_what_was_sealed_opens_again(plain: str):
    assert RING.open(RING.seal(plain, context=PHONE), context=PHONE) == plain


def test_the_same_text_never_seals_to_the_same_bytes():
    assert RING.seal("13800005678", context=PHONE) != RING.seal("13800005678", context=PHONE)


@given(st.text(), st.text(min_size=1))
def test_a_value_moved_to_another_column_does_not_open(plain: str, other: str):
    with pytest.raises(SealBroken):
        RING.open(RING.seal(plain, context=PHONE), context=PHONE + other)


@given(st.text(max_size=20), st.data())
def test_a_value_with_one_flipped_bit_does_not_open(plain: str, data: st.DataObject):
    sealed = bytearray(RING.seal(plain, context=PHONE))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        RING.open(bytes(sealed), context=PHONE)


@given(st.binary(max_size=80))
def test_any_other_bytes_are_a_broken_seal_and_no_other_error(rubbish: bytes):
    with pytest.raises(SealBroken):
        RING.open(rubbish, context=PHONE)


@given(st.text(max_size=20), st.data())
def test_a_value_cut_short_does_not_open(plain: str, data: st.DataObject):
    sealed = RING.seal(plain, context=PHONE)
    with pytest.raises(SealBroken):
        RING.open(sealed[: data.draw(st.integers(0, len(sealed) - 1))], context=PHONE)


def test_another_key_under_the_same_id_does_not_open():
    stranger = Keyring({"2026a": OLD}, "2026a", LOOKUP)
    with pytest.raises(SealBroken):
        stranger.open(RING.seal("张三", context=PHONE), context=PHONE)


def test_a_key_taken_off_the_ring_opens_nothing():
    alone = Keyring({"2025b": OLD}, "2025b", LOOKUP)
    sealed = RING.seal("张三", context=PHONE)
    assert alone.key_id(sealed) == "2026a"
    with pytest.raises(SealBroken, match="not on the ring"):
        alone.open(sealed, context=PHONE)


def test_after_rotation_old_values_open_and_are_due_to_be_sealed_anew():
    before = Keyring({"2025b": OLD}, "2025b", LOOKUP)
    sealed = before.seal("张三", context=PHONE)
    assert RING.open(sealed, context=PHONE) == "张三"
    assert not RING.is_current(sealed)
    assert RING.is_current(RING.seal("张三", context=PHONE))


def test_look_up_finds_the_same_text_in_the_same_column_only():
    found = RING.lookup("13800005678", context=PHONE)
    assert len(found) == 32
    assert found == RING.lookup("13800005678", context=PHONE)
    assert found != RING.lookup("13800005679", context=PHONE)
    assert found != RING.lookup("13800005678", context="accounts.phone")
    assert found != Keyring({"2026a": NEW}, "2026a", OLD).lookup("13800005678", context=PHONE)


def test_look_up_survives_the_rotation_of_the_sealing_keys():
    before = Keyring({"2025b": OLD}, "2025b", LOOKUP)
    assert before.lookup("张三", context=PHONE) == RING.lookup("张三", context=PHONE)


def test_the_settings_are_read_with_the_current_key_first():
    ring = Keyring.parse(f"2026a:{new_key()}, 2025b:{new_key()}", new_key())
    assert ring.key_id(ring.seal("张三", context=PHONE)) == "2026a"


def test_a_new_key_has_256_bits_and_is_new():
    assert len(base64.b64decode(new_key())) == 32
    assert new_key() != new_key()


@pytest.mark.parametrize(
    "keys", ["", "secret", "2026a:", "2026a:secret", "2026a:c2VjcmV0", ":secret", "钥匙：secret"]
)
def test_unreadable_sealing_keys_are_told_by_setting_and_never_echoed(keys: str):
    with pytest.raises(ValueError, match="ONEGRID_SEALING_KEYS") as refusal:
        Keyring.parse(keys, new_key())
    assert "secret" not in str(refusal.value)
    assert "c2VjcmV0" not in str(refusal.value)


def test_a_key_id_used_twice_is_refused():
    with pytest.raises(ValueError, match="ONEGRID_SEALING_KEYS names the same key id twice"):
        Keyring.parse(f"2026a:{new_key()},2026a:{new_key()}", new_key())


@pytest.mark.parametrize("key", ["", "secret", "c2VjcmV0", "密钥"])
def test_an_unreadable_lookup_key_is_told_by_setting_and_never_echoed(key: str):
    with pytest.raises(ValueError, match="ONEGRID_LOOKUP_KEY") as refusal:
        Keyring.parse(f"2026a:{new_key()}", key)
    assert not key or key not in str(refusal.value)


@pytest.mark.parametrize(
    ("keys", "current", "lookup"),
    [
        ({"2026a": NEW}, "2025b", LOOKUP),
        ({"2026a": NEW[:16]}, "2026a", LOOKUP),
        ({"2026a": NEW}, "2026a", b""),
        ({"2026 a": NEW}, "2026 a", LOOKUP),
    ],
)
def test_a_ring_is_not_made_of_wrong_keys(keys: dict[str, bytes], current: str, lookup: bytes):
    with pytest.raises(ValueError, match="key"):
        Keyring(keys, current, lookup)


def test_a_ring_does_not_show_its_keys():
    key = new_key()
    assert key not in repr(Keyring.parse(f"2026a:{key}", new_key()))
    assert repr(RING) == "Keyring(current='2026a', keys=2)"
