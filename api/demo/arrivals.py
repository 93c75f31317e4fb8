"""Homecomings as they are told: reported, come, verified, decided, gone again (M2.4, M2.5)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from api.demo.bodies import Body, seats
from api.demo.chance import Chance
from api.demo.controlled import Controlled
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.homecomings import HISTORY_DAYS, PRESENT, RISK_AREAS, Fate, Homecoming
from api.demo.quarantines import Quarantine
from api.demo.sign_ins import OFFICE, SECRETARY
from api.foundation.identity import DocumentKind

PRESETS = ("gx_2022_0118", "gx_3d2")
SITE = "县职校集中隔离点"
_BEFORE = timedelta(days=HISTORY_DAYS + 4)
_LIVED_ELSEWHERE = timedelta(days=60)
_TO_THE_OFFICE, _TO_THE_DOOR = timedelta(minutes=40), timedelta(hours=2)


def rules(chance: Chance) -> Iterator[Deed]:
    """The township adopts the protocols that hold for it, and lists the areas at risk."""
    day = chance.as_of - _BEFORE
    for code in PRESETS:
        adoption = {"id": str(chance.id("protocol", code)), "effective_from": str(day)}
        path = f"/v1/protocol-presets/{code}"
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


def arrivals(
    chance: Chance, coming: Sequence[Homecoming], controlled: Iterable[Controlled]
) -> Iterator[Deed]:
    """Every step of every homecoming."""
    before = sorted((each for each in coming if each.is_reported_before), key=_reported_at)
    for told_at, reported in groupby(before, key=_reported_at):
        items = [_body(each, told_at) for each in reported]
        yield Deed(told_at, OFFICE, "/v1/arrivals/batch", {"items": items})
    for each in coming:
        if each.fate in PRESENT:
            yield from _steps(each)
        yield from _ends(each)
    for each, quarantine in controlled:
        yield _confirmed(chance, each, quarantine)


def _reported_at(coming: Homecoming) -> datetime:
    return at(coming.reported_on, 20)


def _body(coming: Homecoming, told_at: datetime) -> Body:
    person, head, day = coming.resident, coming.household.residents[0], coming.day
    lived_there = {"from_on": str(day - _LIVED_ELSEWHERE), "to_on": str(day)}
    return {
        "id": str(coming.id),
        "household_id": str(coming.household.id),
        "name": person.name,
        "document_kind": DocumentKind.resident_identity,
        "document": person.identity_number,
        "phone": person.phone,
        "contact_name": head.name,
        "contact_phone": head.phone,
        "expected_on": str(day),
        "transport": coming.origin.transport,
        "transport_number": coming.origin.number,
        "origin_code": coming.origin.code,
        "stays": [{"code": coming.origin.code, **lived_there}],
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


def _confirmed(chance: Chance, coming: Homecoming, quarantine: Quarantine) -> Deed:
    body = {
        "quarantine_id": str(quarantine.id),
        "control_started_on": str(coming.day),
        "place": SITE if quarantine.nurse else None,
        "team": seats(quarantine, chance),
    }
    return Deed(coming.decided_at, SECRETARY, f"/v1/arrivals/{coming.id}/confirm", body)


def _ends(coming: Homecoming) -> Iterator[Deed]:
    path, next_day = f"/v1/arrivals/{coming.id}", coming.day + timedelta(days=1)
    if coming.fate is Fate.departed:
        gone = {"departed_on": str(next_day), "destination": "鹏湾市湾南区"}
        yield Deed(at(next_day, 18), OFFICE, f"{path}/depart", gone)
    if coming.fate is Fate.transferred:
        handed = {"to": "雾桥县雾桥镇防控办", "receipt": "已接收，回执〔2022〕18号"}
        yield Deed(at(next_day, 11), OFFICE, f"{path}/transfer", handed)
    if coming.fate is Fate.invalid:
        untrue = {"reason": "本人电话告知，不回来了"}
        yield Deed(at(next_day, 15), OFFICE, f"{path}/invalidate", untrue)
