"""What is told of residents, and what is shown of them: masked unless revealed."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from api.foundation import clock
from api.foundation.field_records import FromTheField
from api.foundation.fields import (
    Day,
    Input,
    Instant,
    LongText,
    MaskedDocument,
    MaskedPhone,
    PersonName,
    Phone,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)
from api.foundation.identity import (
    EARLIEST_BIRTH,
    LONGEST_DOCUMENT,
    DocumentKind,
    Sex,
    birth_date_of,
    normalise_document,
    sex_of,
)
from api.foundation.labels import Labelled
from api.foundation.records import Source
from api.registry.models import Registration, Relation

_TELLING = frozenset({DocumentKind.resident_identity, DocumentKind.hmt_residence_permit})
"""The documents whose number tells the birth date and the sex (GB 11643-1999)."""

DocumentNumber = Annotated[
    str,
    Field(
        min_length=2,
        max_length=2 * LONGEST_DOCUMENT,
        description="证件号码；居民身份证15位、18位均可，全角和小写x会自动改正",
        examples=["451422199001010012"],
    ),
]


def whole_document(kind: DocumentKind | None, number: str | None) -> str | None:
    """The number as it is compared; a Chinese ValueError where kind or number is wrong."""
    if kind is None and number is None:
        return None
    if kind is None or number is None:
        raise ValueError("证件类型和证件号码须一起填写")
    return normalise_document(kind, number)


def telling_number(kind: DocumentKind | None, number: str | None) -> str | None:
    """The number, where it tells birth date and sex."""
    return number if kind in _TELLING else None


class Identified(Input):
    """How a person is told apart. What an identity number tells need not be told again."""

    document_kind: Annotated[DocumentKind | None, Field(description="证件类型")] = None
    document: DocumentNumber | None = Field(
        None,
        validate_default=True,
        description="证件号码，须与证件类型一起填写；户口簿号一户共用，不用来识别个人",
    )
    sex: Annotated[
        Sex | None, Field(description="性别；可由身份证号得出", validate_default=True)
    ] = None
    birth_date: Annotated[
        Day | None, Field(description="出生日期；可由身份证号得出", validate_default=True)
    ] = None

    @field_validator("document")
    @classmethod
    def _is_of_its_kind(cls, number: str | None, info: ValidationInfo) -> str | None:
        return whole_document(info.data.get("document_kind"), number)

    @field_validator("sex")
    @classmethod
    def _agrees_in_sex(cls, sex: Sex | None, info: ValidationInfo) -> Sex | None:
        number = telling_number(info.data.get("document_kind"), info.data.get("document"))
        if number is None:
            return sex
        if sex in (Sex.male, Sex.female) and sex is not sex_of(number):
            raise ValueError("性别与身份证号不一致，请核对")
        return sex_of(number)

    @field_validator("birth_date")
    @classmethod
    def _agrees_in_birth(cls, born: Day | None, info: ValidationInfo) -> Day | None:
        number = telling_number(info.data.get("document_kind"), info.data.get("document"))
        if born is not None and not EARLIEST_BIRTH <= born <= clock.today():
            raise ValueError("出生日期不对，请核对")
        if number is None:
            return born
        if born is not None and born != birth_date_of(number):
            raise ValueError("出生日期与身份证号不一致，请核对")
        return birth_date_of(number)


class ResidentRecord(Identified, FromTheField):
    """A person of a household; children and the old may have no document at all (M2.1)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "name": "黄秀英",
                    "document_kind": "resident_identity",
                    "document": "451422194902281239",
                    "phone": "13800005678",
                    "relation": "head",
                    "registration": "registered",
                    "lives_alone": False,
                    "mobility_limited": True,
                }
            ]
        }
    )

    name: Annotated[PersonName, Field(description="姓名")]
    phone: Annotated[Phone | None, Field(description="联系电话")] = None
    relation: Annotated[Relation, Field(description="与户主的关系")] = Relation.other
    registration: Annotated[Registration, Field(description="人口类别")] = Registration.registered
    is_party_member: Annotated[bool, Field(strict=True, description="是否党员")] = False
    mobility_limited: Annotated[bool, Field(strict=True, description="是否行动不便")] = False
    lives_alone: Annotated[bool, Field(strict=True, description="是否独居")] = False
    note: Annotated[LongText | None, Field(description="备注")] = None


class ResidentCorrect(Identified):
    """What is to be put right; only the members that are sent are changed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "13800008765", "mobility_limited": True}]}
    )

    name: Annotated[PersonName, Field(description="姓名", default_factory=unsaid)]
    phone: Annotated[Phone | None, Field(description="联系电话；null 为删除")] = None
    relation: Annotated[Relation, Field(description="与户主的关系", default_factory=unsaid)]
    registration: Annotated[Registration, Field(description="人口类别", default_factory=unsaid)]
    is_party_member: Annotated[
        bool, Field(strict=True, description="是否党员", default_factory=unsaid)
    ]
    mobility_limited: Annotated[
        bool, Field(strict=True, description="是否行动不便", default_factory=unsaid)
    ]
    lives_alone: Annotated[bool, Field(strict=True, description="是否独居", default_factory=unsaid)]
    note: Annotated[LongText | None, Field(description="备注；null 为删除")] = None
    left_on: Annotated[Day | None, Field(description="离开或去世的日期；null 为更正为没有离开")] = (
        None
    )
    died: Annotated[
        bool,
        Field(strict=True, description="是否去世，用于更正已登记的离开", default_factory=unsaid),
    ]
    destination: Annotated[ShortText | None, Field(description="去向；null 为删除")] = None
    reason: Annotated[ShortText | None, Field(description="更正的原因")] = None


class ResidentRead(Wire):
    """A resident as shown by default.

    The birth date stays hidden: it is what the mask hides in the middle of an identity number.
    """

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，修改时放在 If-Match 中")
    household_id: UUID = Field(description="所在户")
    grid_id: UUID = Field(description="所在网格")
    name: str = Field(description="姓名")
    sex: Sex = Field(description="性别")
    age: int | None = Field(description="周岁")
    is_minor: bool | None = Field(description="是否未满18周岁；出生日期不详时为 null")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: MaskedDocument | None = Field(description="脱敏的证件号码")
    phone: MaskedPhone | None = Field(description="脱敏的电话")
    relation: Relation = Field(description="与户主的关系")
    registration: Registration = Field(description="人口类别")
    is_party_member: bool = Field(description="是否党员")
    mobility_limited: bool = Field(description="是否行动不便")
    lives_alone: bool = Field(description="是否独居")
    left_on: date | None = Field(description="离开日期；已去世的为去世日期")
    died: bool = Field(description="是否已去世")
    recorded_at: Instant = Field(description="登记时间")
    received_at: Instant = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source = Field(description="信息来源")


class ResidentSearch(Input):
    """Whom to look for. In a body, because an address lands in logs and this must not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "秀英"}]})

    name: Annotated[PersonName | None, Field(description="姓名中的任意几个字")] = None
    document_kind: Annotated[DocumentKind | None, Field(description="证件类型")] = None
    document: DocumentNumber | None = Field(
        None, validate_default=True, description="证件号码，须与证件类型一起填写"
    )
    phone: Annotated[Phone | None, Field(description="完整的电话号码")] = None
    grid_id: Annotated[RecordId | None, Field(description="只找该网格及其下级网格")] = None

    @field_validator("document")
    @classmethod
    def _is_of_its_kind(cls, number: str | None, info: ValidationInfo) -> str | None:
        return whole_document(info.data.get("document_kind"), number)


class RevealField(Labelled):
    """What may be shown in plain."""

    document = "document", "证件号码"
    birth_date = "birth_date", "出生日期"
    phone = "phone", "电话"
    address = "address", "住址"
    note = "note", "备注"
    destination = "destination", "去向"


class RevealAsk(Input):
    """Why the plain values are needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "电话核实返乡行程", "fields": ["phone"]}]}
    )

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]
    fields: Annotated[
        list[RevealField],
        Field(
            min_length=1,
            max_length=len(RevealField),
            description="查看哪几项；不填为全部",
            default_factory=lambda: list(RevealField),
        ),
    ]


class ResidentRevealed(Wire):
    """The plain values that were asked for; what was not asked for, or is not known, is null."""

    id: UUID = Field(description="编号")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: str | None = Field(description="证件号码")
    birth_date: date | None = Field(description="出生日期")
    phone: str | None = Field(description="电话")
    address: str | None = Field(description="住址")
    note: str | None = Field(description="备注")
    destination: str | None = Field(description="离开的去向")


class ResidentMove(Input):
    """Into which household a resident moves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"household_id": "01890a5d-ac96-774b-bcce-b302099a8057", "relation": "spouse"}
            ]
        }
    )

    household_id: Annotated[RecordId, Field(description="迁入的户")]
    relation: Annotated[Relation, Field(description="与新户主的关系")] = Relation.other
    reason: Annotated[ShortText | None, Field(description="原因")] = None


class Departure(Input):
    """Since when somebody no longer lives here, and where they went."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"left_on": "2022-02-20", "destination": "广东省佛山市"}]}
    )

    left_on: Annotated[Day, Field(description="离开日期，不晚于今天")]
    destination: Annotated[ShortText | None, Field(description="去向")] = None


class ResidentDeparture(Departure):
    """The same for one person, who may have died."""

    died: Annotated[bool, Field(strict=True, description="是否去世")] = False
