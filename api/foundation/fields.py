"""The type of every field on the wire, written once: what is accepted and how it is put right."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, LiteralString
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.foundation.identity import (
    normalise_identity_number,
    normalise_name,
    normalise_phone,
    without_unseen,
)
from api.foundation.labels import Labelled

# Outside these years a day cannot be moved to another zone; what is plausible, the rooms decide.
_YEARS = range(2, 9999)

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_HEX = "[0-9a-fA-F]"
_RECORD_ID = f"{_HEX}{{8}}-{_HEX}{{4}}-[47]{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}"
_is_record_id = re.compile(_RECORD_ID).fullmatch

# Written with escapes that mean the same to Python, Rust, Java and JavaScript.
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_CONTROL_BUT_LINES = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_BLANK = r"\u0020\u00a0\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff"
_LINE = rf"^[{_BLANK}]*[^{_CONTROL}{_BLANK}][^{_CONTROL}]*$"
_LINES = rf"^[\t\n\r{_BLANK}]*[^{_CONTROL}{_BLANK}][^{_CONTROL_BUT_LINES}]*$"
_REFUSED_IN_A_LINE = re.compile(rf"[{_CONTROL}\ud800-\udfff]")
_REFUSED_IN_LINES = re.compile(rf"[{_CONTROL_BUT_LINES}\ud800-\udfff]")


def _text(longest: int, refused: re.Pattern[str]) -> AfterValidator:
    def read(text: str) -> str:
        clean = without_unseen(text).replace("\r\n", "\n").strip()
        if not clean:
            raise PydanticCustomError("text_blank", "不能为空")
        if len(clean) > longest:
            raise PydanticCustomError("text_too_long", "最多{longest}个字", {"longest": longest})
        if refused.search(clean):
            raise PydanticCustomError("text_control", "含有无法保存的控制字符，请删除后重新输入")
        return clean

    return AfterValidator(read)


def _told(kind: LiteralString, read: Callable[[str], str]) -> AfterValidator:
    def validate(text: str) -> str:
        try:
            return read(text)
        except ValueError as refusal:
            raise PydanticCustomError(kind, "{reason}", {"reason": str(refusal)}) from None

    return AfterValidator(validate)


def _string(**keywords: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **keywords})


def _celsius(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("celsius_type", "温度应为数字")
    if not -50 <= value <= 100:  # noqa: PLR2004
        raise PydanticCustomError("celsius_range", "温度应在-50到100摄氏度之间")
    degrees = round(float(value), 1)
    if abs(degrees - float(value)) > 1e-9:  # noqa: PLR2004
        raise PydanticCustomError("celsius_precision", "温度最多一位小数")
    return degrees


def _division(text: str) -> str:
    code = text.strip()
    if not re.fullmatch(r"[0-9]{6}([0-9]{3}){0,2}", code):
        raise ValueError("行政区划代码应为6位、9位或12位数字")
    return code


def _instant(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            value = datetime.fromisoformat(value.upper())
        if isinstance(value, datetime) and value.tzinfo and value.year in _YEARS:
            return value.astimezone(UTC)
    except ValueError:
        pass
    raise PydanticCustomError(
        "instant", "时间应带日期和时区，例如{example}", {"example": "2022-02-15T08:30:00+08:00"}
    )


def _day(value: Any) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            value = date.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime) and value.year in _YEARS:
            return value
    except ValueError:
        pass
    raise PydanticCustomError("day", "日期不对，应写成{example}", {"example": "2022-02-15"})


def _record_id(value: Any) -> UUID:
    if isinstance(value, str) and _is_record_id(value):
        return UUID(value)
    if isinstance(value, UUID) and _is_record_id(str(value)):
        return value
    raise PydanticCustomError("record_id", "编号应为第4版或第7版UUID")


Name = Annotated[
    str,
    _text(50, _REFUSED_IN_A_LINE),
    _string(minLength=1, maxLength=50, pattern=_LINE),
]
"""A person's or a place's name; every script, rare Han and the dot of Uyghur names included."""

PersonName = Annotated[
    Name,
    AfterValidator(normalise_name),
    _string(minLength=1, maxLength=50, pattern=_LINE, examples=["黄秀英"]),
]
"""A person's name as it is compared: spread over its cell or not, and with whatever dot."""

ShortText = Annotated[
    str,
    _text(100, _REFUSED_IN_A_LINE),
    _string(minLength=1, maxLength=100, pattern=_LINE),
]
"""One line of at most 100 characters."""

LongText = Annotated[
    str,
    _text(2000, _REFUSED_IN_LINES),
    _string(minLength=1, maxLength=2000, pattern=_LINES),
]
"""Lines of at most 2000 characters together."""

Phone = Annotated[
    str,
    _told("phone", normalise_phone),
    _string(
        pattern=r"^(1[3-9][0-9]{9}|0[1-9][0-9]{1,2}-?[0-9]{7,8})$",
        description="手机号，或带区号的固定电话",
        examples=["13800005678"],
    ),
]
"""A mainland mobile or landline number, kept as its digits alone."""

IdentityNumber = Annotated[
    str,
    _told("identity_number", normalise_identity_number),
    _string(
        pattern=r"^([0-9]{15}|[0-9]{17}[0-9Xx])$",
        description="居民身份证号（GB 11643-1999）",
        examples=["451422199001010012"],
    ),
]
"""A resident identity number, kept with 18 characters."""

DivisionCode = Annotated[
    str,
    _told("division_code", _division),
    _string(
        pattern=r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$",
        description="行政区划代码：县级6位、乡级9位、村级12位",
        examples=["451422201"],
    ),
]
"""A division code: county (GB/T 2260), township (GB/T 10114) or village (12 digits)."""

Celsius = Annotated[
    float,
    BeforeValidator(_celsius),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": -50,
            "maximum": 100,
            "description": "摄氏度，最多一位小数",
            "examples": [36.5],
        }
    ),
]
"""Degrees Celsius to one decimal, as thermometers tell them. What is plausible is policy."""

Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    _string(format="date-time", examples=["2022-02-15T08:30:00+08:00"]),
]
"""A point in time with its offset (RFC 3339), kept in UTC. A bare number is not a time."""

Day = Annotated[date, BeforeValidator(_day), _string(format="date", examples=["2022-02-15"])]
"""A calendar day of the township (ISO 8601)."""

RecordId = Annotated[
    UUID,
    BeforeValidator(_record_id),
    _string(
        format="uuid",
        pattern=f"^{_RECORD_ID}$",
        description="由产生记录的设备生成的UUID（第7版，或第4版）",
        examples=["01890a5d-ac96-774b-bcce-b302099a8057"],
    ),
]
"""The id a record is born with (RFC 9562): version 7 by preference, version 4 from older phones."""

Latitude = Annotated[
    float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False, examples=[22.1372])
]
Longitude = Annotated[
    float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False, examples=[107.0689])
]

MaskedPhone = Annotated[
    str, Field(pattern=r"^.*\*.*$", description="脱敏的电话号码", examples=["138****5678"])
]
"""A phone number that can no longer be dialled; a plain one does not pass."""

MaskedDocument = Annotated[
    str, Field(pattern=r"^.*\*.*$", description="脱敏的证件号码", examples=["451***********0012"])
]
"""A document number of which only the ends are left; a plain one does not pass."""


class Wire(BaseModel):
    """What the service says."""

    model_config = ConfigDict(from_attributes=True, frozen=True, hide_input_in_errors=True)


class Input(BaseModel):
    """What the service is told: members it does not know by name are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def unsaid() -> Any:
    """The default of a member that a correction may leave out but never empty."""
    return None


class Datum(Labelled):
    """The datum of a pair of coordinates; the two lie hundreds of metres apart."""

    wgs84 = "wgs84", "WGS-84（卫星定位）"
    gcj02 = "gcj02", "GCJ-02（国内地图）"


class Place(Input):
    """Where a record was made, as the device knew it."""

    latitude: Latitude
    longitude: Longitude
    datum: Datum
    accuracy_m: Annotated[
        float | None, Field(ge=0, le=100_000, allow_inf_nan=False, description="定位精度，米")
    ] = None
