"""Homecomings as they are told: reported before, come, verified, decided, gone again (M2.4, M2.5)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.diary import Deed
from api.demo.homecomings import (
    CONTROLLED,
    HISTORY_DAYS,
    PRESENT,
    RISK_AREAS,
    Fate,
    Homecoming,
)
from api.demo.quarantines import Quarantine
from api.demo.sign_ins import OFFICE, SECRETARY
from api.foundation import clock
from api.foundation.identity import DocumentKind

PRESETS = ("gx_2022_0118", "gx_3d2")
SITE = "县职校集中隔离点"
_BEFORE = timedelta(days=HISTORY_DAYS + 4)
_LIVED_ELSEWHERE = timedelta(days=60)
_TO_THE_OFFICE, _TO_THE_DOOR, _TO_A_DECISION = (
    timedelta(minutes=40),
    timedelta(hours=2),
    timedelta(hours=3, minutes=30),
)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of a local day."""
    return datetime.combine(day, time(hour, minute), clock.TOWNSHIP_ZONE)


def rules(chance: Chance) -> Iterator[Deed]:
    """The township adopts the protocols that hold for it, and lists the areas at risk."""
    day = chance.as_of - _BEFORE
    for code in PRESETS:
        adoption = {"id": str(chance.id("protocol", code)), "effective_from": str(day)}
        path = f"/v1/protocols/presets/{code}"
        yield Deed(at(day, 9), SECRETARY, path, {**adoption, "activate": True})
    for area in RISK_AREAS:
        listed = {
            "id": str(chance.id("risk area", area.code)),
            "code_prefix": area.code,
            "name": area.name,
            "level": area.level,
            "from_on": str(day),
            "announcement": area.announcement,
        }
        yield Deed(at(day, 10), SECRETARY, "/v1/risk-areas", listed)


def arrivals(coming: Sequence[Homecoming], controlled: Iterable[Quarantine]) -> Iterator[Deed]:
    """Every step of every homecoming."""
    before = sorted((each for each in coming if each.is_reported_before), key=_reported_at)
    for told_at, reported in groupby(before, key=_reported_at):
        items = [_body(each, told_at) for each in reported]
        yield Deed(told_at, OFFICE, "/v1/arrivals/batch", {"items": items})
    quarantines = {each.resident.id: each for each in controlled}
    for each in coming:
        if each.fate in PRESENT:
            yield from _steps(each)
        if each.fate in CONTROLLED:
            yield _confirmed(each, quarantines[each.resident.id])
        yield from _ends(each)


def _reported_at(coming: Homecoming) -> datetime:
    return at(coming.day - timedelta(days=6 if coming.day > coming.arrives_at.date() else 2), 20)


def _body(coming: Homecoming, told_at: datetime) -> Body:
    person, left_on = coming.resident, coming.day
    return {
        "id": str(coming.id),
        "household_id": str(coming.household.id),
        "name": person.name,
        "document_kind": DocumentKind.resident_identity,
        "document": person.identity_number,
        "phone": person.phone,
        "contact_name": coming.household.residents[0].name,
        "contact_phone": coming.household.residents[0].phone,
        "expected_on": str(coming.day),
        "transport": coming.origin.transport,
        "transport_number": coming.origin.number,
        "origin_code": coming.origin.code,
        "stays": [
            {
                "code": coming.origin.code,
                "from_on": str(left_on - _LIVED_ELSEWHERE),
                "to_on": str(left_on),
            }
        ],
        "recorded_at": told_at.isoformat(),
        "performed_by": str(coming.hamlet.worker.id),
    }


def _steps(coming: Homecoming) -> Iterator[Deed]:
    came_at, path = coming.arrives_at, f"/v1/arrivals/{coming.id}"
    told_at, came = came_at + _TO_THE_OFFICE, {"arrived_at": came_at.isoformat()}
    if coming.is_reported_before:
        yield Deed(told_at, OFFICE, f"{path}/arrive", {**came, "told_at": told_at.isoformat()})
    else:
        yield Deed(told_at, OFFICE, "/v1/arrivals", {**_body(coming, told_at), **came})
    if coming.fate is not Fate.arrived:
        who = {"resident_id": str(coming.resident.id)}
        yield Deed(came_at + _TO_THE_DOOR, OFFICE, f"{path}/verify", who)


def _confirmed(coming: Homecoming, quarantine: Quarantine) -> Deed:
    chance, decided_at = quarantine.chance, coming.arrives_at + _TO_A_DECISION
    body = {
        "quarantine_id": str(quarantine.id),
        "control_started_on": str(coming.day),
        "place": SITE if quarantine.nurse else None,
        "team": quarantine.seats(chance),
    }
    return Deed(decided_at, SECRETARY, f"/v1/arrivals/{coming.id}/confirm", body)


def _ends(coming: Homecoming) -> Iterator[Deed]:
    path, next_day = f"/v1/arrivals/{coming.id}", coming.day + timedelta(days=1)
    if coming.fate is Fate.departed:
        gone = {"departed_on": str(next_day), "destination": "鹏湾市湾南区"}
        yield Deed(at(next_day, 18), OFFICE, f"{path}/depart", gone)
    if coming.fate is Fate.transferred:
        handed = {"to": "雾桥县雾桥镇防控办", "receipt": "已接收,回执〔2022〕18号"}
        yield Deed(at(next_day, 11), OFFICE, f"{path}/transfer", handed)
    if coming.fate is Fate.invalid:
        untrue = {"reason": "本人电话告知,不回来了"}
        yield Deed(at(next_day, 15), OFFICE, f"{path}/invalidate", untrue)
