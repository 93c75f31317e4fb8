"""Whom a clause of a protocol concerns: conditions on what is known of a person on a day.

Half-open ranges (`min` included, `max` not) let tiers touch without sharing a day: of people who
arrived under 7, 7 to 14 and 14 to 21 days ago, each belongs to one tier (domain 3.2).
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from api.foundation.fields import Input, LongText
from api.protocols.models import ExposureClass, RiskLevel
from api.protocols.schemas import PolicyCode

Days = Annotated[int, Field(ge=0, le=366)]
AreaPrefix = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$",
        description="行政区划代码的前段：省2位、市4位、县6位、乡9位、村12位；含其全部下级",
        examples=["4514"],
    ),
]
Token = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="代码：小写字母开头，由小写字母、数字、下划线组成",
        examples=["own_toilet"],
    ),
]


class Part(Input):
    """A part of a document; read out, it names every member, also those that were left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Range(Part):
    """From `min` (included) to `max` (not included); without an end where nothing is said."""

    min: Annotated[Days | None, Field(description="自此起（含）；不填则不限")] = None
    max: Annotated[Days | None, Field(description="至此止（不含）；不填则不限")] = None


class When(Part):
    """Whom a rule concerns: every condition told must hold; one that is not told always does."""

    exposure_classes: Annotated[
        list[ExposureClass] | None,
        Field(min_length=1, max_length=len(ExposureClass), description="接触类别之一"),
    ] = None
    risk_levels: Annotated[
        list[RiskLevel] | None,
        Field(min_length=1, max_length=len(RiskLevel), description="来源地风险等级之一"),
    ] = None
    area_codes: Annotated[
        list[AreaPrefix] | None,
        Field(min_length=1, max_length=100, description="到过这些地区之一"),
    ] = None
    days_since_arrival: Annotated[Range | None, Field(description="抵达后的天数，抵达当日为0")] = (
        None
    )
    days_since_exposure: Annotated[Range | None, Field(description="末次暴露后的天数，当日为0")] = (
        None
    )
    age: Annotated[Range | None, Field(description="周岁")] = None
    vaccinated: Annotated[bool | None, Field(description="是否全程接种疫苗")] = None
    occupations: Annotated[
        list[Token] | None, Field(min_length=1, max_length=50, description="从事这些职业之一")
    ] = None


class MatchRule(Part):
    """One clause: whom it concerns, and the plan that it prescribes for them."""

    priority: Annotated[int, Field(ge=1, le=10_000, description="先后，数小者先；同数者须互不相交")]
    clause: Annotated[LongText, Field(description="作出决定的条款原文或要点")]
    when: Annotated[When, Field(description="适用条件；不填的条件视为不限")]
    plan: Annotated[PolicyCode, Field(description="适用的管理方案代码")]
