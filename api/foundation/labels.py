"""Enumerations with a Chinese label for every value, in the code and in the contract."""

from enum import StrEnum
from typing import Any, Self

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from sqlalchemy import Enum

LONGEST_VALUE = 40


class Labelled(StrEnum):
    """A text enumeration written `met = "met", "见到"`; a member without a label is a TypeError."""

    _value_: str
    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        if not label:
            raise TypeError(f"{cls.__name__}: the value {value!r} needs a Chinese label")
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Every value and its label, in the order of the class."""
        return {member.value: member.label for member in cls}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The contract's enum, with `x-enum-labels` for programs and a description for people."""
        reference = handler(core_schema)
        schema: dict[str, Any] = handler.resolve_ref_schema(reference)
        labels = cls.labels()
        told = "；".join(f"{value} {label}" for value, label in labels.items())
        schema["description"] = f"{cls.__doc__} {told}" if cls.__doc__ else told
        schema["x-enum-labels"] = labels
        return reference


def enum_column_type(kind: type[Labelled], *, name: str, checked: bool = True) -> Enum:
    """A text column that holds only the values of `kind`, by the CHECK constraint `name`.

    Not `checked` where the one function that writes the table is told nothing else.
    """
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=checked,
        length=LONGEST_VALUE,
        values_callable=_values,
    )


def _values(kind: type[Labelled]) -> list[str]:
    return list(kind.labels())
