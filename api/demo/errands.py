"""What those in quarantine want brought, in every state; not everybody was asked yet (代办)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from api.care.errand_models import ErrandKind, Payer, Word
from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.quarantines import Quarantine
from api.demo.sign_ins import OFFICE, SECRETARY

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_WANTED = (
    (ErrandKind.masks, "一次性医用口罩", "20只", 0),
    (ErrandKind.daily_goods, "大米、食用油、青菜", "三天的量", 8650),
    (ErrandKind.medicine, "降压药硝苯地平缓释片", "2盒", 3580),
    (ErrandKind.delivery, "代取快递", "1件", 0),
    (ErrandKind.trash, "上门收运生活垃圾", "2袋", 0),
)
_UNASKED = 6
"""Every so many nobody has asked yet: the leader's coverage is not whole."""


def errands(chance: Chance, quarantines: Sequence[Quarantine], *, now: datetime) -> Iterator[Deed]:
    """Asked on the second day, brought before noon, confirmed the day after; and this morning's."""
    for each in quarantines:
        asked_at = at(each.started_on + _DAY, 9, 10)
        if each.number % _UNASKED == _UNASKED - 1:
            continue
        if each.number % 4 == 0:
            yield _asked(chance, each, asked_at, ErrandKind.none_needed)
        else:
            yield from _brought(chance, each, asked_at)
    yield from _this_morning(chance, quarantines, now)


def _asked(
    chance: Chance, quarantine: Quarantine, asked_at: datetime, kind: ErrandKind, **told: str
) -> Deed:
    body: Body = {
        "id": str(chance.id("errand", quarantine.number, kind)),
        "quarantine_id": str(quarantine.id),
        "kind": kind,
        "recorded_at": asked_at.isoformat(),
        "performed_by": str(quarantine.carers[0].id),
        **told,
    }
    return Deed(asked_at + _MINUTE, OFFICE, "/v1/errands", body)


def _brought(chance: Chance, quarantine: Quarantine, asked_at: datetime) -> Iterator[Deed]:
    kind, wanted, quantity, fen = _WANTED[quarantine.number % len(_WANTED)]
    path = f"/v1/errands/{chance.id('errand', quarantine.number, kind)}"
    yield _asked(chance, quarantine, asked_at, kind, wanted=wanted, quantity=quantity)
    yield _given(path, quarantine, asked_at + 10 * _MINUTE)
    brought_at = asked_at + 130 * _MINUTE
    delivery: Body = {
        "delivered_at": brought_at.isoformat(),
        "delivered_by": str(quarantine.carers[0].id),
        "contact_free": True,
    }
    if fen:
        number = f"{quarantine.number:08d}"
        delivery |= {"amount_fen": fen, "payer": Payer.resident, "receipt_number": number}
    yield Deed(brought_at + _MINUTE, OFFICE, f"{path}/deliver", delivery)
    heard_at = asked_at + _DAY
    word: Body = {"word": Word.resident, "confirmed_at": heard_at.isoformat()}
    yield Deed(heard_at + _MINUTE, OFFICE, f"{path}/confirm", word)


def _given(path: str, quarantine: Quarantine, given_at: datetime) -> Deed:
    to: Body = {"worker_id": str(quarantine.carers[0].id)}
    return Deed(given_at, SECRETARY, f"{path}/assign", to)


def _this_morning(
    chance: Chance, quarantines: Sequence[Quarantine], now: datetime
) -> Iterator[Deed]:
    """One nobody has taken on, one in hand, one being bought, one called off, one late."""
    for number, each in enumerate(quarantines[:5]):
        asked_at = now - (95 - number) * _MINUTE
        needed_by = now + (-20 if number == len(_WANTED) - 1 else 180) * _MINUTE
        wants = {"wanted": "蔬菜和纯净水", "needed_by": needed_by.isoformat()}
        yield _asked(chance, each, asked_at, ErrandKind.other, **wants)
        path = f"/v1/errands/{chance.id('errand', each.number, ErrandKind.other)}"
        if number in {1, 2}:
            yield _given(path, each, asked_at + 15 * _MINUTE)
        if number == 2:  # noqa: PLR2004 - the third
            yield Deed(asked_at + 40 * _MINUTE, OFFICE, f"{path}/purchase")
        if number == 3:  # noqa: PLR2004 - the fourth
            why: Body = {"reason": "亲属已送到门口"}
            yield Deed(asked_at + 30 * _MINUTE, OFFICE, f"{path}/cancel", why)
