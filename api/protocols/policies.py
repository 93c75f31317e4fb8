"""What policies say, as pure rules: who is missing in a team, and what a temperature means when.

Times of day are the township's (Asia/Shanghai); a window holds its opening instant and not its
closing one, so that windows which touch never share an instant.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from uuid import UUID

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.labels import Labelled
from api.protocols.models import Comparator, Timing, WhereaboutsKind
from api.protocols.problems import UnknownWindow


@dataclass(frozen=True, slots=True)
class CareTeamRule:
    """One revision of a care-team policy (四包一 and its kin; M3.2)."""

    id: UUID
    code: str
    revision: int
    size: int
    min_party_members: int
    role_minima: Mapping[Role, int]
    max_persons_per_worker: int | None


@dataclass(frozen=True, slots=True)
class Seat:
    """A person on a team, with the role in which they serve."""

    worker_id: UUID
    role: Role
    is_party_member: bool


class Lack(Labelled):
    """What keeps a team from being complete."""

    too_few = "too_few", "人数不足"
    too_many = "too_many", "人数超出"
    same_person = "same_person", "人员重复"
    party_members = "party_members", "党员不足"
    role = "role", "某类人员不足"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing that a team lacks (or has too much of), how many, and the sentence that says so."""

    lack: Lack
    number: int
    detail: str
    role: Role | None = None


def missing(policy: CareTeamRule, seats: Collection[Seat]) -> list[Shortfall]:
    """Everything that keeps these seats from being the policy's team; empty when it is complete.

    Size must be met exactly and by distinct people; party members and roles are counted by person.
    """
    people = {seat.worker_id for seat in seats}
    return [
        *_of_size(policy.size, len(people), repeated=len(seats) - len(people)),
        *_of_party(policy.min_party_members, seats),
        *_of_roles(policy.role_minima, seats),
    ]


def lacking(policy: CareTeamRule, seats: Collection[Seat]) -> list[Shortfall]:
    """What is missing, a surplus aside: a stage that asks for fewer puts nobody in the wrong.

    In SQL it is `team_lacks`.
    """
    return [each for each in missing(policy, seats) if each.lack is not Lack.too_many]


def _of_size(size: int, people: int, *, repeated: int) -> Iterable[Shortfall]:
    if repeated:
        yield Shortfall(
            Lack.same_person, repeated, f"包保人员须各不相同，重复了{repeated}人，请换人。"
        )
    if people < size:
        number = size - people
        yield Shortfall(Lack.too_few, number, f"须由{size}人包保，还差{number}人。")
    if people > size:
        number = people - size
        yield Shortfall(Lack.too_many, number, f"须由{size}人包保，多出{number}人。")


def _of_party(minimum: int, seats: Iterable[Seat]) -> Iterable[Shortfall]:
    number = minimum - len({seat.worker_id for seat in seats if seat.is_party_member})
    if number > 0:
        yield Shortfall(
            Lack.party_members, number, f"其中至少须有{minimum}名党员，还差{number}名。"
        )


def _of_roles(minima: Mapping[Role, int], seats: Collection[Seat]) -> Iterable[Shortfall]:
    for role, minimum in minima.items():
        number = minimum - len({seat.worker_id for seat in seats if seat.role is role})
        if number > 0:
            detail = f"其中至少须有{minimum}名{role.label}，还差{number}名。"
            yield Shortfall(Lack.role, number, detail, role)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the local day in which a temperature is due."""

    name: str
    label: str
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class MonitoringRule:
    """One revision of a monitoring policy; its windows stand in order and do not overlap."""

    id: UUID
    code: str
    revision: int
    windows: tuple[Window, ...]
    fever_threshold_c: float
    comparator: Comparator
    low_threshold_c: float
    plausible_min_c: float
    plausible_max_c: float
    exempt_whereabouts: frozenset[WhereaboutsKind]


class Slot(NamedTuple):
    """Which window of which local day a reading answers, and whether it did so in time."""

    day: date
    window: str
    timing: Timing


class Opening(NamedTuple):
    """A window of one day, as instants in UTC."""

    window: str
    opens_at: datetime
    closes_at: datetime


class Judgement(NamedTuple):
    """What a reading means: abnormal opens an alert (M3.5), low asks for a second look."""

    abnormal: bool
    low: bool


def window_of(policy: MonitoringRule, measured_at: datetime, window: str | None = None) -> Slot:
    """The slot of a reading: the window told, else the one it lies in or that ended last.

    Before the day's first window a reading is early for it. Raises `UnknownWindow`.
    """
    day, at = clock.local_day(measured_at), clock.local_time(measured_at)
    meant = _named(policy, window) if window is not None else _begun(policy, at)
    if at < meant.opens:
        return Slot(day, meant.name, Timing.early)
    return Slot(day, meant.name, Timing.on_time if at < meant.closes else Timing.late)


def _named(policy: MonitoringRule, name: str) -> Window:
    named = next((window for window in policy.windows if window.name == name), None)
    if named is None:
        labels = {window.name: window.label for window in policy.windows}
        raise UnknownWindow(windows=labels)
    return named


def _begun(policy: MonitoringRule, at: time) -> Window:
    """The window that began last; windows do not overlap, so it is open or ended last."""
    begun = [window for window in policy.windows if window.opens <= at]
    return begun[-1] if begun else policy.windows[0]


def windows_of(policy: MonitoringRule, day: date) -> list[Opening]:
    """The windows of a local day, in order."""
    return [
        Opening(window.name, _instant(day, window.opens), _instant(day, window.closes))
        for window in policy.windows
    ]


def _instant(day: date, at: time) -> datetime:
    return datetime.combine(day, at, clock.TOWNSHIP_ZONE).astimezone(UTC)


def judge(policy: MonitoringRule, value_c: float, symptoms: Collection[str]) -> Judgement:
    """Fever is abnormal, and so is any symptom at all (M3.5)."""
    abnormal = feverish(policy, value_c) or bool(symptoms)
    return Judgement(abnormal=abnormal, low=value_c < policy.low_threshold_c)


def feverish(policy: MonitoringRule, value_c: float) -> bool:
    """Fever by the policy's threshold and comparator."""
    reached = value_c >= policy.fever_threshold_c
    return reached and (policy.comparator is Comparator.gte or value_c > policy.fever_threshold_c)


def plausible(policy: MonitoringRule, value_c: float) -> bool:
    """Whether a living body has this temperature; if not, it is asked again, not kept."""
    return policy.plausible_min_c <= value_c <= policy.plausible_max_c
