"""Search parameters as people send them, read into conditions on a kind's own columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from api.fhir.controls import CONTROLS, Search, referred
from api.fhir.dates import Condition, dated, spanning
from api.fhir.formats import refuse_form
from api.fhir.kinds import Kind, SearchKind
from api.fhir.outcomes import NotUnderstood
from api.foundation.sealed import Keyring

MOST_NUMBERS = 100
"""How many people may be looked for by their documents at once."""


class Handling(Enum):
    """What becomes of parameters that are not known.

    Passed over, what was to narrow a search would tell of everybody: only who asks for that has it.
    """

    strict = "strict"
    careful = "careful"
    lenient = "lenient"

    @classmethod
    def of(cls, prefer: str | None) -> "Handling":
        """As the header says (FHIR R4 §3.1.1.1)."""
        said = (each for each in cls if f"handling={each.value}" in (prefer or ""))
        return next(said, cls.careful)

    def refuses(self, name: str) -> bool:
        """Whether a parameter that is not known by this name is refused."""
        if self is Handling.careful:
            return name.partition(":")[0] not in _OF_THE_ANSWER
        return self is Handling.strict and name != "_pretty"


@dataclass(frozen=True, slots=True)
class Asking:
    """How a search is to be read, and by which keys documents are known."""

    handling: Handling
    keyring: Keyring


class Parameter(NamedTuple):
    """One parameter as it was sent; identity is named in a body only."""

    name: str
    value: str
    in_body: bool = False


def read(kind: Kind, told: Iterable[Parameter], asking: Asking) -> Search:
    """The search that parameters describe.

    Raises `NotUnderstood` for values that cannot be read, for identity in an address, for modifiers
    of what is known, and for parameters that are not known as far as the caller wants that; else
    these are left out. Raises `NotInThisForm`.
    """
    search = Search()
    for each in sorted(told, key=_turn):
        name, value = _unmodified(each.name, kind), each.value
        if name in CONTROLS:
            CONTROLS[name](search, value, kind)
        elif name in kind.searched:
            search.conditions.append(_condition(kind, name, each, asking))
            search.by_number |= kind.searched[name] is SearchKind.identifier
        elif name == "_summary" and value in _COUNTED:
            search.only_counted = _COUNTED[value]
        elif name == "_format":
            refuse_form(value)
            continue
        elif asking.handling.refuses(name):
            raise NotUnderstood(f"不支持查询参数 {name}。")
        else:
            continue
        if name not in _NOT_IN_AN_ADDRESS:
            search.understood.append((name, value))
    return search


def _turn(each: Parameter) -> int:
    return _TURNS.index(each.name) if each.name in _TURNS else -1


_TURNS = (*CONTROLS,)


def _unmodified(said: str, kind: Kind) -> str:
    """The parameter's name; what a modifier would change must not be passed over (§3.1.1.4.5)."""
    name, colon, modifier = said.partition(":")
    if not colon or not (name in kind.searched or name in CONTROLS):
        return said
    if modifier != _REFERRED_TO.get(name):
        raise NotUnderstood(f"不支持 {name} 的修饰符 {modifier}。")
    return name


_REFERRED_TO = {
    "patient": "Patient",
    "subject": "Patient",
    "location": "Location",
    "partof": "Location",
}
_COUNTED = {"count": True, "false": False}
_OF_THE_ANSWER = {"_pretty", "_summary", "_include", "_revinclude", "_contained", "_containedType"}
_NOT_IN_AN_ADDRESS = {"identifier", "_after"}


def _condition(kind: Kind, name: str, told: Parameter, asking: Asking) -> Condition:
    value = told.value
    match kind.searched[name]:
        case SearchKind.date:
            return dated("at", value)
        case SearchKind.period:
            return spanning(value)
        case SearchKind.identifier:
            return _numbered(told, asking.keyring)
        case SearchKind.reference:
            column = "patient" if name == "subject" else name
            return f"{column} = ANY ({{}})", ([referred(part) for part in value.split(",")],)
        case SearchKind.token:
            return _coded(name, value.split(","), kind.systems.get(name))


def _numbered(told: Parameter, keyring: Keyring) -> Condition:
    if not told.in_body:
        raise NotUnderstood("证件号不得写在网址中，请用 POST 提交 Patient/_search。")
    numbers = [part.rpartition("|")[2].strip().upper() for part in told.value.split(",")]
    if len(numbers) > MOST_NUMBERS:
        raise NotUnderstood(f"一次最多查询{MOST_NUMBERS}个证件号。")
    wanted = [keyring.lookup(each, context="document") for each in numbers]
    return "document_lookup = ANY ({})", (wanted,)


def _coded(name: str, parts: list[str], system: str | None) -> Condition:
    if any(_whole_system(part, system) for part in parts):
        return f"{name} IS NOT NULL", ()
    codes = [_code(part, system) for part in parts]
    return f"{name} = ANY ({{}})", ([each for each in codes if each is not None],)


def _whole_system(part: str, system: str | None) -> bool:
    """Whether any code of a system is meant (`system|`), which is the one there is."""
    meant, bar, code = part.rpartition("|")
    return bool(bar and meant) and not code and system in (None, meant)


def _code(part: str, system: str | None) -> str | None:
    """The code of `code`, `system|code` or `|code`; None where another system's is meant."""
    meant, bar, code = part.rpartition("|")
    return None if bar and system is not None and meant != system else code
