"""An enumeration tells its labels to people, to the contract, and to the table."""

import pickle

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import CheckConstraint, Column, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from api.foundation.labels import Labelled, enum_column_type


class Outcome(Labelled):
    """How a knock at the door ended."""

    met = "met", "见到"
    absent = "absent", "不在家"


class Untold(Labelled):
    yes = "yes", "是"


class Knock(BaseModel):
    outcome: Outcome
    before: Outcome | None


def test_a_member_is_its_text_and_carries_its_label():
    assert Outcome.met == "met"
    assert f"{Outcome.met}" == "met"
    assert Outcome("absent") is Outcome.absent
    assert Outcome.absent.label == "不在家"
    assert Outcome.labels() == {"met": "见到", "absent": "不在家"}


def test_a_member_without_a_label_is_refused_when_the_class_is_made():
    with pytest.raises(TypeError, match="Wordless: the value 'met' needs a Chinese label"):

        class Wordless(Labelled):  # pyright: ignore[reportUnusedClass]
            met = "met"


def test_a_member_survives_pickle_and_leaves_as_json_text():
    assert pickle.loads(pickle.dumps(Outcome.met)) is Outcome.met
    assert orjson.dumps({"outcome": Outcome.met}) == b'{"outcome":"met"}'
    assert TypeAdapter(Outcome).dump_json(Outcome.met) == b'"met"'


def test_the_wire_accepts_the_value_and_nothing_else():
    assert TypeAdapter(Outcome).validate_python("met") is Outcome.met
    for wrong in ("见到", "MET", "", 1, None, ("met", "见到")):
        with pytest.raises(ValidationError):
            TypeAdapter(Outcome).validate_python(wrong)


def test_the_contract_carries_the_labels_once_for_all_uses():
    schema = Knock.model_json_schema()
    assert schema["$defs"]["Outcome"] == {
        "title": "Outcome",
        "description": "How a knock at the door ended. met 见到；absent 不在家",
        "type": "string",
        "enum": ["met", "absent"],
        "x-enum-labels": {"met": "见到", "absent": "不在家"},
    }
    assert schema["properties"]["outcome"] == {"$ref": "#/$defs/Outcome"}


def test_a_class_without_a_docstring_is_described_by_its_labels_alone():
    schema = TypeAdapter(Untold).json_schema()
    assert schema["description"] == "yes 是"
    assert schema["x-enum-labels"] == {"yes": "是"}


def test_every_table_that_shares_a_column_type_has_its_named_check():
    kind = enum_column_type(Outcome, name="outcome")
    metadata = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s"})
    for name in ("visits", "calls"):
        table = Table(name, metadata, Column("outcome", kind, nullable=False))
        ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "outcome VARCHAR(40) NOT NULL" in ddl
        assert f"CONSTRAINT ck_{name}_outcome CHECK (outcome IN ('met', 'absent'))" in ddl
        assert [c for c in table.constraints if isinstance(c, CheckConstraint)]


def test_the_table_holds_values_and_gives_members_back():
    kind = enum_column_type(Outcome, name="outcome")
    dialect = postgresql.dialect()
    bind, result = kind.bind_processor(dialect), kind.result_processor(dialect, None)
    assert bind is not None
    assert result is not None
    assert bind(Outcome.absent) == "absent"
    assert result("absent") is Outcome.absent
