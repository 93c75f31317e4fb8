"""What an answer says, by the document's mapping: what is not mapped says nothing, never green."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import orjson

from api.health_codes.answers import Trouble
from api.health_codes.documents import Case, Reading
from api.health_records.models import CodeState

WORST_FIRST = (
    CodeState.red,
    CodeState.yellow,
    CodeState.popup,
    CodeState.grey,
    CodeState.unavailable,
    CodeState.expired,
    CodeState.not_found,
    CodeState.green,
)
"""Of all that one answer says (a code for each province, a pop-up, an expired report) the worst
counts; what could not be read hides something, and so stands before what lets a person through."""

LONGEST_EXTRA = 500


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer says of a person: a state, or the trouble because of which there is none."""

    state: CodeState | Trouble
    changed_at: datetime | None = None
    valid_until: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def read(reading: Reading, told: Any, *, zone: str) -> Read:
    """Read an answer; times without an offset are of `zone`. Whatever is told, nothing is raised.

    A state `unavailable` on the other side (its own timeout, its own failure) is a failure here.
    """
    state = _result(reading, told) or _worst(reading, told)
    if state is CodeState.unavailable:
        state = Trouble.failed
    if isinstance(state, Trouble):
        return Read(state)
    return Read(
        state,
        _instant(reading.changed_at, told, zone),
        _instant(reading.valid_until, told, zone, ends=True),
        {name: text for name, at in reading.extra.items() if (text := _extra(told, at))},
    )


def read_status(reading: Reading, status: int | None, otherwise: Trouble) -> Read:
    """Read an answer that is told by its HTTP status alone."""
    meant = reading.statuses.get(str(status), otherwise)
    return Read(Trouble.failed if meant is CodeState.unavailable else meant)


def _result(reading: Reading, told: Any) -> CodeState | Trouble | None:
    """What the result code means, unless it is success."""
    if reading.success_at is None:
        return None
    said = values_at(told, reading.success_at)
    if len(said) != 1:
        return Trouble.unreadable
    code = as_said(said[0])
    return None if code in reading.success_values else reading.errors.get(code, Trouble.refused)


def _worst(reading: Reading, told: Any) -> CodeState | Trouble:
    codes = [as_said(each) for each in values_at(told, reading.state_at)]
    states = {reading.states.get(code, CodeState.unavailable) for code in codes}
    states |= {case.state for case in reading.cases if _shown(case, told)}
    if not states:
        return Trouble.unreadable
    worst = min(states, key=WORST_FIRST.index)
    unmapped = any(code not in reading.states for code in codes)
    return Trouble.unreadable if worst is CodeState.unavailable and unmapped else worst


def _shown(case: Case, told: Any) -> bool:
    said = {as_said(value) for value in values_at(told, case.at)}
    return bool(said - {*case.values}) if case.unlike else bool(said & {*case.values})


def values_at(told: Any, path: str) -> list[Any]:
    """Every value at a dotted path; JSON within a string is looked into like any other."""
    found = [told]
    for step in path.split("."):
        found = [inner for each in found for inner in _inside(each, step)]
    return [each for each in found if each is not None]


def _inside(value: Any, step: str) -> Iterator[Any]:
    value = _unpacked(value)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        yield from members.values() if step == "*" else [members[step]] if step in members else []
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        if step == "*":
            yield from items
        elif step.isascii() and step.isdigit() and int(step) < len(items):
            yield items[int(step)]


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def as_said(value: Any) -> str:
    """A value as the mapping writes it: 1, true and "00" as 1, true and 00."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else str(value)


def _extra(told: Any, path: str) -> str:
    said = [as_said(each) for each in values_at(told, path) if not isinstance(each, dict | list)]
    return "；".join(dict.fromkeys(said))[:LONGEST_EXTRA]


def _instant(path: str | None, told: Any, zone: str, *, ends: bool = False) -> datetime | None:
    """The latest change or the earliest end, where several are told."""
    if path is None:
        return None
    said = (as_instant(as_said(each), zone, ends=ends) for each in values_at(told, path))
    told_at: Sequence[datetime] = [each for each in said if each is not None]
    return (min if ends else max)(told_at, default=None)


_SECONDS, _MILLISECONDS, _COMPACT = (re.compile(rf"[0-9]{{{n}}}") for n in (10, 13, 14))


def as_instant(text: str, zone: str, *, ends: bool = False) -> datetime | None:
    """A time as such systems write it, in UTC; a day alone is its beginning, or its end."""
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
        if _MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if _COMPACT.fullmatch(text):
            at = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo(zone))
        else:
            at = datetime.fromisoformat(text.replace("/", "-"))
            day_alone = ends and len(text) <= len("2022-02-15") and at.time() == time.min
            at = (at + timedelta(days=day_alone)).replace(tzinfo=at.tzinfo or ZoneInfo(zone))
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
