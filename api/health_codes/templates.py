"""Texts with gaps, `{document_number}` or `{secret.app_id}`, filled in for one request."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

NAMES = (
    "document_number",
    "document_kind",
    "name",
    "phone",
    "shown",
    "timestamp",
    "nonce",
)
"""What a gap may be filled with, beside the secrets of the system."""

OF_THE_PERSON = frozenset({"document_number", "document_kind", "name", "phone", "shown"})

_GAP = re.compile(r"\{([^{}]*)\}")
_SECRET = re.compile(r"secret\.([a-z][a-z0-9_]{0,39})")


def _fillable(template: str) -> str:
    for gap in gaps_in(template):
        if gap not in NAMES and not _SECRET.fullmatch(gap):
            names = "、".join(NAMES)
            raise PydanticCustomError(
                "template",
                "没有名为{gap}的内容，可用的有{names}，以及secret.密钥名",
                {"gap": gap, "names": names},
            )
    if set(_GAP.sub("", template)) & set("{}"):
        raise PydanticCustomError("template", "花括号须成对，其中为内容的名称")
    return template


Template = Annotated[
    str,
    Field(
        max_length=400,
        pattern=r"^[^\u0000-\u001f\u007f]*$",
        description="固定文字，或以花括号填入的内容",
        examples=["{document_number}"],
    ),
    AfterValidator(_fillable),
]
"""A fixed text with gaps of known names; a name that is not known is refused."""

MemberName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$", description="对方规定的名称", examples=["appId"]),
]
"""What the other side calls a field or a header."""

SecretName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="密钥名：小写字母开头，由小写字母、数字、下划线组成",
        examples=["app_secret"],
    ),
]


def gaps_in(template: str) -> list[str]:
    """What is to be filled in, in the order in which it stands."""
    return _GAP.findall(template)


def secrets_in(template: str) -> Iterator[str]:
    """The secrets that a template needs."""
    for gap in gaps_in(template):
        if gap.startswith("secret."):
            yield gap.removeprefix("secret.")


def fill(template: str, known: Mapping[str, str]) -> str:
    """The text with every gap filled in; a KeyError names what is not known."""
    return _GAP.sub(lambda gap: known[gap[1]], template)


def fill_all(part: Any, known: Mapping[str, str]) -> Any:
    """A template, or named templates inside one another, filled in."""
    if isinstance(part, str):
        return fill(part, known)
    return {name: fill_all(inner, known) for name, inner in part.items()}


def templates_in(part: Any) -> Iterator[str]:
    """Every template within named templates inside one another."""
    if isinstance(part, str):
        yield part
    else:
        for inner in part.values():
            yield from templates_in(inner)
