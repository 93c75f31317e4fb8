"""How a person is told apart, and how that is hidden: numbers, documents, phones, masks."""

import re
from datetime import date

from stdnum.cn import ric

from api.foundation import clock
from api.foundation.labels import Labelled
from api.foundation.sealed import Keyring

LEGACY_LENGTH = 15
LENGTH = 18
EARLIEST_BIRTH = date(1900, 1, 1)
LONGEST_DOCUMENT = 40

_HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_UNSEEN = dict.fromkeys(
    (0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
)
_HAN = r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_SPREAD = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
_DOTTED = re.compile(
    rf"(?<={_HAN})\s*[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65.\uff0e]\s*(?={_HAN})"
)
_PHONE = re.compile(r"1[3-9][0-9]{9}|0[1-9][0-9]{8,10}")
_WRITTEN_RIGHT = re.compile(r"[0-9]{17}[0-9X]")
_IDENTITY = re.compile(r"[0-9]{15}|[0-9]{17}[0-9X]")
_RESIDENCE_PERMIT_PREFIXES = ("81", "82", "83")


class Sex(Labelled):
    """As registered (GB/T 2261.1)."""

    male = "male", "男"
    female = "female", "女"
    unknown = "unknown", "未知"
    not_stated = "not_stated", "未说明"


class DocumentKind(Labelled):
    """The paper a person is registered by."""

    resident_identity = "resident_identity", "居民身份证"
    household_book = "household_book", "户口簿"
    passport = "passport", "护照"
    hk_macao_permit = "hk_macao_permit", "港澳居民来往内地通行证"
    taiwan_permit = "taiwan_permit", "台湾居民来往大陆通行证"
    foreign_permanent_resident = "foreign_permanent_resident", "外国人永久居留身份证"
    hmt_residence_permit = "hmt_residence_permit", "港澳台居民居住证"
    other = "other", "其他证件"


_FORMS = {
    DocumentKind.passport: re.compile(r"[A-Z0-9]{5,20}"),
    DocumentKind.hk_macao_permit: re.compile(r"[A-Z0-9()]{8,20}"),
    DocumentKind.taiwan_permit: re.compile(r"[A-Z0-9()]{8,20}"),
    DocumentKind.foreign_permanent_resident: re.compile(r"[A-Z]{3}[0-9]{12}|9[0-9]{16}[0-9X]"),
}
_ANY_FORM = re.compile(rf"[\w()./-]{{2,{LONGEST_DOCUMENT}}}")


def without_unseen(text: str) -> str:
    """The text without the zero-width and direction marks that chat apps put around copied text."""
    return text.translate(_UNSEEN)


def normalise_name(text: str) -> str:
    """A name as it is compared: 张  三 is 张三, and every dot of a Uyghur name is the same one."""
    return _DOTTED.sub("·", _SPREAD.sub("", text))


def normalise_identity_number(text: str) -> str:
    """The 18 characters of a resident identity number (GB 11643-1999), or a Chinese ValueError.

    Full-width digits, spaces and a small x are put right; a number of the first generation (15
    digits) gets its century and check character. The division is not looked up: an abolished county
    stays in the number for life.
    """
    number = text if _WRITTEN_RIGHT.fullmatch(text) else _put_right(text)
    if not _plausible_birth(number):
        raise ValueError("身份证号中的出生日期不对")
    if number != _with_check(number[:-1]):
        raise ValueError("身份证号校验码不对，请核对是否输错")
    return number


def _put_right(text: str) -> str:
    number = _compact(text)
    if len(number) not in (LEGACY_LENGTH, LENGTH):
        raise ValueError("身份证号长度不对，应为18位（老证15位）")
    if not _IDENTITY.fullmatch(number):
        raise ValueError("身份证号只能由数字组成，末位可为X")
    return number if len(number) == LENGTH else _with_check(f"{number[:6]}19{number[6:]}")


def birth_date_of(number: str) -> date:
    """The day of birth in a normalised identity number."""
    return date.fromisoformat(number[6:14])


def sex_of(number: str) -> Sex:
    """The sex in a normalised identity number: an odd sequence is male, an even one female."""
    return Sex.male if int(number[16]) % 2 else Sex.female


def synthetic_identity_number(*, division: str, born: date, sequence: int) -> str:
    """An identity number with a valid check character for people who do not exist.

    `division` has 6 digits and `sequence` is 0 to 999 (odd male, even female), else a ValueError.
    """
    if not re.fullmatch(r"[0-9]{6}", division) or not 0 <= sequence <= 999:  # noqa: PLR2004
        raise ValueError("a division has 6 digits and a sequence 3")
    return _with_check(f"{division}{born:%Y%m%d}{sequence:03d}")


def normalise_document(kind: DocumentKind, number: str) -> str:
    """The number of a document as it is compared, or a Chinese ValueError.

    Resident identity cards, and the residence permits of Hong Kong, Macao and Taiwan residents
    (国办发〔2018〕81号; prefixes 81, 82, 83), prove their check character; of the others only the
    form is known.
    """
    if kind is DocumentKind.resident_identity:
        return normalise_identity_number(number)
    if kind is DocumentKind.hmt_residence_permit:
        permit = normalise_identity_number(number)
        if not permit.startswith(_RESIDENCE_PERMIT_PREFIXES):
            raise ValueError("港澳台居民居住证号码应以81、82或83开头")
        return permit
    compact = _compact(number)
    if not _FORMS.get(kind, _ANY_FORM).fullmatch(compact):
        raise ValueError(f"{kind.label}号码的格式不对")
    return compact


def document_lookup(
    keyring: Keyring, kind: DocumentKind | None, number: str | None
) -> bytes | None:
    """The keyed hash by which a document finds its one holder; None where it is a family's.

    A household book has one number for all who are in it. Where it was read for the identity number
    of one of them, as with children who have no card yet, that is theirs alone.
    """
    if number is None or (kind is DocumentKind.household_book and not _is_identity_number(number)):
        return None
    return keyring.lookup(number, context="document")


def _is_identity_number(number: str) -> bool:
    try:
        return normalise_identity_number(number) == number
    except ValueError:
        return False


def normalise_phone(text: str) -> str:
    """The digits of a mainland mobile or a landline with its area code, or a Chinese ValueError."""
    digits = re.sub(r"[-()]", "", _compact(text))
    digits = re.sub(r"^(\+86|0086|86(?=1[0-9]{10}$))", "", digits)
    if not _PHONE.fullmatch(digits):
        raise ValueError("电话号码不对，应为11位手机号，或带区号的固定电话")
    return digits


def mask_identity_number(number: str) -> str:
    """`450***********0012`: the first three and the last four characters stay."""
    return _masked(number, first=3, last=4)


def mask_phone(phone: str) -> str:
    """`138****5678`."""
    return _masked(phone, first=3, last=4)


def mask_document(kind: DocumentKind, number: str) -> str:
    """An identity number as above; of any other document the first character and the last two."""
    if kind in (DocumentKind.resident_identity, DocumentKind.hmt_residence_permit):
        return mask_identity_number(number)
    return _masked(number, first=1, last=2)


def mask_name(name: str) -> str:
    """`张*`, whatever the length of the name."""
    return f"{name[:1]}*" if len(name) > 1 else "*"


def mask_address(address: str) -> str:
    """The first six characters and `***`; of a short address never more than half."""
    return f"{address[: min(6, len(address) // 2)]}***"


def _masked(text: str, *, first: int, last: int) -> str:
    hidden = len(text) - first - last
    if hidden < 1:
        return "*" * len(text)
    return f"{text[:first]}{'*' * hidden}{text[-last:]}"


def _compact(text: str) -> str:
    return "".join(without_unseen(text).translate(_HALF_WIDTH).upper().split())


def _with_check(body: str) -> str:
    # ISO 7064 MOD 11-2; the library reads all but the last character, so one stands in for it.
    return body + ric.calc_check_digit(f"{body}0")


def _plausible_birth(number: str) -> bool:
    try:
        born = birth_date_of(number)
    except ValueError:
        return False
    # The township's day is never before that of UTC, and asking for it takes longer.
    return born >= EARLIEST_BIRTH and (born <= clock.now().date() or born <= clock.today())
