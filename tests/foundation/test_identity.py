"""Identity numbers are checked, never looked up; what leaves the service is masked."""

from datetime import date

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from api.foundation.identity import (
    DocumentKind,
    Sex,
    birth_date_of,
    mask_address,
    mask_document,
    mask_identity_number,
    mask_name,
    mask_phone,
    normalise_document,
    normalise_identity_number,
    normalise_phone,
    sex_of,
    synthetic_identity_number,
)

SYNTHETIC = "451422199001010012"
DIVISIONS = st.from_regex(r"[0-9]{6}", fullmatch=True)
NUMBERS = st.builds(
    synthetic_identity_number,
    division=DIVISIONS,
    born=st.dates(date(1900, 1, 1), date(2025, 12, 31)),
    sequence=st.integers(0, 999),
)


@given(DIVISIONS, st.dates(date(1900, 1, 1), date(2025, 12, 31)), st.integers(0, 999))
def test_a_number_tells_birth_and_sex_whatever_its_division(division, born, sequence):
    number = synthetic_identity_number(division=division, born=born, sequence=sequence)
    assert normalise_identity_number(number) == number
    assert birth_date_of(number) == born
    assert sex_of(number) is (Sex.male if sequence % 2 else Sex.female)


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_noticed(number: str, at: int, character: str):
    wrong = number[:at] + character + number[at + 1 :]
    if wrong != number:
        with pytest.raises(ValueError, match="身份证号"):
            normalise_identity_number(wrong)


@given(NUMBERS, st.integers(0, 16))
def test_two_swapped_neighbours_are_noticed(number: str, at: int):
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if swapped != number:
        with pytest.raises(ValueError, match="身份证号"):
            normalise_identity_number(swapped)


@given(DIVISIONS, st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(0, 999))
def test_a_number_of_the_first_generation_becomes_the_second(division, born, sequence):
    number = synthetic_identity_number(division=division, born=born, sequence=sequence)
    assert normalise_identity_number(number[:6] + number[8:17]) == number


@given(st.text())
def test_any_other_text_is_refused_with_a_sentence_and_no_other_error(text: str):
    with pytest.raises(ValueError, match="身份证号"):
        normalise_identity_number(text)


@pytest.mark.parametrize(
    "written",
    [
        "451422 19900101 0012",
        "４５１４２２１９９００１０１００１２",
        "\u202d451422199001010012\u202c\n",
    ],
)
def test_what_a_phone_keyboard_makes_of_a_number_is_put_right(written: str):
    assert normalise_identity_number(written) == SYNTHETIC


def test_a_small_x_is_a_check_character():
    number = next(
        made
        for sequence in range(100)
        if (
            made := synthetic_identity_number(
                division="451422", born=date(1980, 5, 1), sequence=sequence
            )
        ).endswith("X")
    )
    assert normalise_identity_number(number.lower()) == number
    assert normalise_identity_number(f"{number[:-1]}ｘ") == number


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "长度"),
        ("45142219900101001", "长度"),
        ("4514221990010100125", "长度"),
        ("45142219900101001A", "数字"),
        ("4514229001X1001", "数字"),
        ("٤٥١٤٢٢١٩٩٠٠١٠١٠٠١٢", "数字"),
        ("451422199013010012", "出生日期"),
        ("451422189912310012", "出生日期"),
        ("451422199001010013", "校验码"),
    ],
)
def test_the_refusal_says_what_is_wrong(written: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        normalise_identity_number(written)


def test_nobody_is_born_tomorrow():
    number = synthetic_identity_number(division="451422", born=date(2022, 2, 16), sequence=1)
    with (
        time_machine.travel("2022-02-15T15:59:59Z"),
        pytest.raises(ValueError, match="出生日期"),
    ):
        normalise_identity_number(number)
    with time_machine.travel("2022-02-15T16:00:00Z"):
        assert normalise_identity_number(number) == number


def test_a_synthetic_number_needs_a_division_and_a_sequence():
    with pytest.raises(ValueError, match="division"):
        synthetic_identity_number(division="4514", born=date(1990, 1, 1), sequence=1)
    with pytest.raises(ValueError, match="division"):
        synthetic_identity_number(division="451422", born=date(1990, 1, 1), sequence=1000)


@pytest.mark.parametrize(
    ("kind", "written", "number"),
    [
        (DocumentKind.resident_identity, " 451422199001010012", SYNTHETIC),
        (DocumentKind.passport, "e 1234 5678", "E12345678"),
        (DocumentKind.hk_macao_permit, "Ｈ12345678", "H12345678"),
        (DocumentKind.taiwan_permit, "12345678", "12345678"),
        (DocumentKind.foreign_permanent_resident, "chn110190010101", "CHN110190010101"),
        (DocumentKind.household_book, "宁明字 0012号", "宁明字0012号"),
        (DocumentKind.other, "军字第0012345号", "军字第0012345号"),
    ],
)
def test_documents_are_kept_as_they_are_compared(kind: DocumentKind, written: str, number: str):
    assert normalise_document(kind, written) == number


@pytest.mark.parametrize(
    ("kind", "written", "reason"),
    [
        (DocumentKind.resident_identity, "E12345678", "长度"),
        (DocumentKind.hmt_residence_permit, SYNTHETIC, "81、82或83"),
        (DocumentKind.passport, "护照", "护照号码"),
        (DocumentKind.other, "", "其他证件号码"),
        (DocumentKind.other, "a\0b", "其他证件号码"),
    ],
)
def test_a_document_of_another_form_is_refused(kind: DocumentKind, written: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        normalise_document(kind, written)


def test_a_residence_permit_of_hong_kong_proves_its_check_character():
    permit = synthetic_identity_number(division="810000", born=date(1990, 1, 1), sequence=1)
    assert normalise_document(DocumentKind.hmt_residence_permit, permit) == permit
    wrong = permit[:-1] + ("0" if permit[-1] != "0" else "1")
    with pytest.raises(ValueError, match="校验码"):
        normalise_document(DocumentKind.hmt_residence_permit, wrong)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("13800005678", "13800005678"),
        ("138-0000 5678", "13800005678"),
        ("+86 １３８００００５６７８", "13800005678"),
        ("008613800005678", "13800005678"),
        ("(0771) 8621-234", "07718621234"),
        ("010-62345678", "01062345678"),
    ],
)
def test_a_phone_number_is_its_digits(written: str, digits: str):
    assert normalise_phone(written) == digits


@pytest.mark.parametrize(
    "written", ["", "110", "12800005678", "1380000567", "138000056789", "手机"]
)
def test_what_cannot_be_dialled_is_refused(written: str):
    with pytest.raises(ValueError, match="电话号码"):
        normalise_phone(written)


def test_masks_leave_just_enough_to_tell_people_apart():
    assert mask_identity_number("450422199001010012") == "450***********0012"
    assert mask_phone("13812345678") == "138****5678"
    assert mask_document(DocumentKind.resident_identity, SYNTHETIC) == "451***********0012"
    assert mask_document(DocumentKind.passport, "E12345678") == "E******78"
    assert mask_name("张三丰") == "张*"
    assert mask_name("𠮷田") == "𠮷*"
    assert mask_address("宁明县青竹乡青竹村三组12号") == "宁明县青竹乡***"


@given(st.text(min_size=1))
def test_no_mask_ever_shows_the_whole(text: str):
    masks = [mask_identity_number(text), mask_phone(text), mask_name(text), mask_address(text)]
    masks += [mask_document(kind, text) for kind in DocumentKind]
    for masked in masks:
        assert "*" in masked
        assert len(masked.replace("*", "")) < len(text) or not text.replace("*", "")
