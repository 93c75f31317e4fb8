"""Whom an item of another system is about: told by document or phone, found by keyed hash."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar, NamedTuple, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from api.foundation.database import Connection
from api.foundation.fields import Input, PersonName, Phone
from api.foundation.identity import (
    LONGEST_DOCUMENT,
    DocumentKind,
    document_lookup,
    normalise_document,
)
from api.foundation.problems import Problem
from api.foundation.sealed import Keyring


class SeveralPeople(Problem):
    """A family shares the phone: whoever tells has to say which of them is meant."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "一个电话登记有多人"
    detail: ClassVar[str] = "该电话登记有多人，请同时提供姓名，或改用证件号码。"


class NumberOfAFamily(Problem):
    """The number of a household book is that of everybody in it: nobody is meant by it alone."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "户口簿号码为全户共用"
    detail: ClassVar[str] = (
        "户口簿号码为全户共用，不能确定是谁；请提供电话和姓名，或本人的身份证件号码。"
    )


class AboutAPerson(Input):
    """A person as another system knows them."""

    document_kind: Annotated[DocumentKind | None, Field(description="证件类型")] = None
    document: Annotated[
        str | None,
        Field(
            min_length=2,
            max_length=2 * LONGEST_DOCUMENT,
            description="证件号码，须与证件类型一起填写",
            examples=["451422199001010012"],
        ),
    ] = None
    phone: Annotated[Phone | None, Field(description="电话；没有证件号码时必填")] = None
    name: Annotated[
        PersonName | None, Field(description="姓名；一个电话登记有多人时用来分辨，不作保存")
    ] = None

    @field_validator("document")
    @classmethod
    def _is_of_its_kind(cls, number: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("document_kind")
        return normalise_document(kind, number) if kind and number else number

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if (self.document is None) != (self.document_kind is None):
            raise PydanticCustomError("document_whole", "证件类型和证件号码须一起填写")
        if self.document is None and self.phone is None:
            raise PydanticCustomError("nobody", "证件号码和电话至少填写一项")
        return self


class Traces(NamedTuple):
    """What an event leaves of a person, all of it hashes: by these they are found, now or later."""

    event: UUID
    document: bytes | None
    phone: bytes | None
    name: bytes | None

    @classmethod
    def of(cls, told: AboutAPerson, event: UUID, keyring: Keyring) -> "Traces":
        phone = told.phone
        return cls(
            event,
            document_lookup(keyring, told.document_kind, told.document),
            keyring.lookup(phone, context="phone") if phone else None,
            _name_digest(event, told.name) if told.name else None,
        )


class Known(NamedTuple):
    """A resident within reach who lives here now, or lived here until `left_on`."""

    id: UUID
    household_id: UUID
    grid_id: UUID
    reach: str
    name: str
    document_lookup: bytes | None
    phone_lookup: bytes | None
    birth_date: date | None = None
    left_on: date | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """The residents whom any of some traces point at."""

    by_document: Mapping[bytes, Known] = field(default_factory=dict[bytes, Known])
    by_phone: Mapping[bytes, Sequence[Known]] = field(default_factory=dict[bytes, list[Known]])
    who_left: Mapping[bytes, Known] = field(default_factory=dict[bytes, Known])

    def find(self, traces: Traces, *, on: date | None = None) -> Known | None:
        """Who is meant; None for somebody unknown here. Raises `SeveralPeople`.

        The document decides, also of whoever lived here `on` a day and has left since. By the
        phone, whoever has another document or another name is somebody else: phones are shared and
        handed on.
        """
        if traces.document is not None and (found := self._by_document(traces.document, on)):
            return found
        if traces.phone is None:
            return None
        fitting = [each for each in self.by_phone.get(traces.phone, ()) if _fits(each, traces)]
        if len(fitting) > 1:
            raise SeveralPeople
        return fitting[0] if fitting else None

    def _by_document(self, document: bytes, on: date | None) -> Known | None:
        if found := self.by_document.get(document):
            return found
        left = self.who_left.get(document) if on is not None else None
        return left if left and left.left_on and on and on <= left.left_on else None


def _fits(known: Known, traces: Traces) -> bool:
    other_document = traces.document is not None and known.document_lookup is not None
    same_name = traces.name is None or traces.name == _name_digest(traces.event, known.name)
    return same_name and not other_document


_KNOWN = """
    SELECT id, household_id, grid_id, reach, name, document_lookup, phone_lookup, birth_date,
        left_on
    FROM residents
    WHERE {column} = ANY ($1) AND discarded_at IS NULL AND (left_on IS NULL OR $2)
    ORDER BY left_on
"""


async def register_of(connection: Connection, traces: Collection[Traces]) -> Register:
    """Everybody within reach whom these may be about, in one statement for each kind of trace."""
    documents = {each.document for each in traces if each.document is not None}
    phones = {each.phone for each in traces if each.phone is not None}
    by_document = await _known(connection, "document_lookup", documents, who_left=True)
    by_phone: dict[bytes, list[Known]] = {}
    for each in await _known(connection, "phone_lookup", phones, who_left=False):
        assert each.phone_lookup is not None  # noqa: S101 - it was found by it
        by_phone.setdefault(each.phone_lookup, []).append(each)
    told = [(each.document_lookup, each) for each in by_document if each.document_lookup]
    here = {document: each for document, each in told if each.left_on is None}
    return Register(here, by_phone, {document: each for document, each in told if each.left_on})


async def _known(
    connection: Connection, column: str, wanted: set[bytes], *, who_left: bool
) -> list[Known]:
    if not wanted:
        return []
    rows: list[Any] = await connection.fetch(_KNOWN.format(column=column), list(wanted), who_left)
    return [Known(*row) for row in rows]


def _name_digest(event: UUID, name: str) -> bytes:
    """What is kept of a name to tell a family apart: of no use for another event."""
    return hashlib.sha256(event.bytes + name.encode()).digest()
