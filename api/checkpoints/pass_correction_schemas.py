"""What is put right of a pass, or why it counts no more, on the wire."""

from typing import Annotated

from pydantic import ConfigDict, Field

from api.checkpoints.models import GateDecision
from api.checkpoints.pass_schemas import FromPlace, PassRead, Plate, ToPlace
from api.foundation.corrections import Replaced
from api.foundation.fields import Input, LongText, Wire, unsaid

Why = Annotated[LongText, Field(description="理由，留存备查", examples=["来去方向填反了"])]


class PassCorrect(Input):
    """What was told wrong of a pass: only the members that change, and why.

    What was shown and what the rule said of it stay: somebody else at the gate is another pass.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_place": "柳村",
                    "to_place": "百色市德保县",
                    "reason": "来去方向填反了",
                }
            ]
        }
    )

    vehicle_plate: Plate = None
    from_place: FromPlace = None
    to_place: ToPlace = None
    decision: Annotated[
        GateDecision,
        Field(
            description="实际如何处理；与规则不一致的，同时填写 decision_reason",
            default_factory=unsaid,
        ),
    ]
    decision_reason: Annotated[
        LongText | None, Field(description="与规则不一致的理由", examples=["急救车辆，先行放行"])
    ] = None
    reason: Why


class PassDiscard(Input):
    """Why a pass is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "扫错了人"}]})

    reason: Annotated[LongText, Field(description="理由，留存备查", examples=["扫错了人"])]


class PassRevision(Replaced, Wire):
    """What was said of a pass before a correction."""

    passing: PassRead = Field(description="更正前的内容")


class PassHistory(Wire):
    """Every former version, oldest first."""

    items: list[PassRevision]
