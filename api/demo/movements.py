"""Who is not where they were: in hospital, on leave, gone, or about to be brought to a site."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from api.demo import bodies
from api.demo.arrivals import SITE
from api.demo.chance import Chance
from api.demo.controlled import Controlled
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.homecomings import Fate
from api.demo.quarantines import Quarantine, Stay
from api.demo.sign_ins import MEDIC, SECRETARY
from api.protocols.models import WhereaboutsKind

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_HOSPITAL, _ESCORT, _PLATE = "县人民医院", "乡卫生院护士", "桂F2022警"


def stays(chance: Chance, quarantines: Iterable[Quarantine]) -> Iterator[Deed]:
    """How those whose quarantine has a story came to be elsewhere."""
    for each in quarantines:
        if each.stay is None:
            continue
        if each.stay.kind is WhereaboutsKind.in_hospital:
            yield _referral(each, each.stay)
        elif each.stay.kind is WhereaboutsKind.away_approved:
            yield from _leave(chance, each, each.stay)
        else:
            path = f"/v1/quarantines/{each.id}/whereabouts"
            body = bodies.stay_body(each.stay, by=each.carers[0])
            yield Deed(each.stay.since + 5 * _MINUTE, MEDIC, path, body)


def _referral(quarantine: Quarantine, stay: Stay) -> Deed:
    body = {
        "id": str(stay.id),
        "hospital": stay.destination,
        "escort": _ESCORT,
        "reason": stay.note,
        "left_at": stay.since.isoformat(),
        "recorded_at": stay.since.isoformat(),
    }
    path = f"/v1/quarantines/{quarantine.id}/hospital-referrals"
    return Deed(stay.since + _MINUTE, MEDIC, path, body)


def _leave(chance: Chance, quarantine: Quarantine, stay: Stay) -> Iterator[Deed]:
    """Asked for the evening before, approved by somebody else, and out since the morning."""
    from_at = stay.since - timedelta(minutes=30)
    asked_at = from_at - timedelta(hours=12)
    until_at = at(chance.as_of + _DAY, 18)
    path = f"/v1/leaves/{stay.id}"
    yield _asked(quarantine, stay, (asked_at, from_at, until_at))
    note = {"note": "已联系医院，闭环接送"}
    yield Deed(asked_at + 40 * _MINUTE, SECRETARY, f"{path}/approve", note)
    left = {"left_at": stay.since.isoformat()}
    yield Deed(stay.since + 2 * _MINUTE, MEDIC, f"{path}/out", left)


def _asked(quarantine: Quarantine, stay: Stay, hours: tuple[datetime, datetime, datetime]) -> Deed:
    asked_at, from_at, until_at = hours
    body = {
        "id": str(stay.id),
        "reason": stay.note,
        "route": f"家—{stay.destination}，专车闭环接送",
        "vehicle": f"村委专车 {_PLATE}",
        "escort": _ESCORT,
        "from_at": from_at.isoformat(),
        "until_at": until_at.isoformat(),
        "recorded_at": asked_at.isoformat(),
        "performed_by": str(quarantine.carers[0].id),
    }
    return Deed(asked_at + _MINUTE, MEDIC, f"/v1/quarantines/{quarantine.id}/leaves", body)


def leave_to_decide(chance: Chance, quarantine: Quarantine, *, now: datetime) -> Deed:
    """Somebody wants to see a doctor tomorrow; whoever is nearest decides."""
    asked_at, tomorrow = now - 70 * _MINUTE, chance.as_of + _DAY
    stay = Stay(
        id=chance.id("leave", quarantine.number),
        kind=WhereaboutsKind.away_approved,
        since=at(tomorrow, 8),
        destination=_HOSPITAL,
        note="产前检查，已约明早",
    )
    return _asked(quarantine, stay, (asked_at, at(tomorrow, 8), at(tomorrow, 13)))


def transfers(chance: Chance, controlled: Sequence[Controlled], *, now: datetime) -> Iterator[Deed]:
    """Whose home was found unfit is to be brought to the site; the first car is on its way."""
    unfit = [each for coming, each in controlled if coming.fate is Fate.unfit]
    for each in unfit:
        id_ = chance.id("transfer", each.number)
        asked_at, path = at(each.started_on, 21), f"/v1/transfers/{id_}"
        body = {
            "id": str(id_),
            "kind": "to_site",
            "reason": "家中没有独立卫生间，转集中隔离",
            "destination": SITE,
            "due_at": (now + timedelta(minutes=90)).isoformat(),
            "recorded_at": asked_at.isoformat(),
            "performed_by": str(each.hamlet.worker.id),
        }
        yield Deed(asked_at, MEDIC, f"/v1/quarantines/{each.id}/transfers", body)
        if each is unfit[0]:
            yield Deed(asked_at + 30 * _MINUTE, SECRETARY, f"{path}/approve")
            car = {"vehicle": "dedicated", "plate": _PLATE, "driver": "卢师傅", "escort": _ESCORT}
            yield Deed(now - 25 * _MINUTE, SECRETARY, f"{path}/dispatch", car)
