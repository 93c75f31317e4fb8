"""A list of leads from the county: whom it tells of, and what the net finds of each (M2.6)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.families import Resident
from api.demo.homecomings import COUNTY, HIGH, PREFECTURE, RISK_AREAS, Origin
from api.demo.quarantines import Quarantine, who_may_return
from api.demo.sign_ins import OFFICE
from api.demo.strangers import Stranger, stranger
from api.demo.township import Hamlet, Township, Village
from api.foundation.identity import DocumentKind
from api.leads.models import LeadOutcome, LeadSource, LeadStatus
from api.protocols.models import ExposureClass

O, S = LeadOutcome, LeadStatus  # noqa: E741 - read as the names of two columns
_DAY = timedelta(days=1)
_ORIGINS = (COUNTY, PREFECTURE, HIGH)
_PLACES = {area.code: area.name for area in RISK_AREAS}

# What is found, how far the lead has come, and how many: about as a real report of 273 had it.
_SCRIPT: tuple[tuple[LeadOutcome | None, LeadStatus, int], ...] = (
    (O.already_registered, S.fed_back, 11),
    (O.info_error, S.fed_back, 6),
    (O.beyond_window, S.fed_back, 4),
    (O.not_in_jurisdiction, S.fed_back, 2),
    (O.not_in_jurisdiction, S.transferred, 2),
    (O.no_risk, S.fed_back, 3),
    (O.controlled_here, S.fed_back, 2),
    (O.missed_now_registered, S.fed_back, 2),
    (O.unreachable, S.fed_back, 1),
    (O.transit_only, S.fed_back, 1),
    (O.duplicate, S.fed_back, 1),
    (O.refused, S.under_review, 1),
    (O.no_risk, S.under_review, 1),
    (None, S.contacting, 2),
    (None, S.assigned, 2),
    (None, S.imported, 1),
)
_OURS = {O.already_registered, O.no_risk, O.missed_now_registered, O.refused}
_ELSEWHERE = {O.not_in_jurisdiction, O.transit_only}
_CONTROLLED = slice(6, 8)
"""Of those in quarantine by hand: the first who have no story of their own."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One line of the list: somebody, where they are looked for, what is found, how far it is."""

    id: UUID
    number: int
    person: Resident | Stranger
    village: Village
    hamlet: Hamlet
    outcome: LeadOutcome | None
    status: LeadStatus
    late: bool

    @property
    def origin(self) -> Origin:
        return _ORIGINS[self.number % len(_ORIGINS)]


def batch_of(chance: Chance) -> UUID:
    """The id of the list."""
    return chance.id("lead batch")


def issued_at(chance: Chance) -> datetime:
    """When the county sent the list: the day before it is worked off."""
    return at(chance.as_of - 2 * _DAY, 15)


def trace(
    township: Township, quarantines: Sequence[Quarantine], taken: Collection[UUID]
) -> list[Lead]:
    """Everybody on the list, none of them `taken` by another story, village by village."""
    script = [(outcome, status) for outcome, status, many in _SCRIPT for _ in range(many)]
    controlled, others = iter(quarantines[_CONTROLLED]), set(taken)
    made: list[Lead] = []
    for number, (outcome, status) in enumerate(script):
        village = township.villages[number % len(township.villages)]
        hamlet, person = village.hamlets[number % 3], None
        if outcome is O.controlled_here:
            person = next(controlled).resident
        elif outcome is O.duplicate:
            person = made[0].person
        elif outcome in _OURS or status in (S.contacting, S.assigned):
            person = _somebody(township, hamlet, others)
            others.add(person.id)
        made.append(
            Lead(
                id=township.chance.id("lead", number),
                number=number,
                person=person or stranger(township, "lead", number),
                village=village,
                hamlet=hamlet,
                outcome=outcome,
                status=status,
                late=outcome is None and number % 2 == 1,
            )
        )
    return made


def _somebody(township: Township, hamlet: Hamlet, taken: Collection[UUID]) -> Resident:
    """One of the hamlet with a phone: often all that a list has beside a name."""
    return next(
        person
        for household in hamlet.households
        for person in who_may_return(township, household)
        if person.phone and person.id not in taken
    )


def received(chance: Chance, leads: Sequence[Lead]) -> Iterator[Deed]:
    """The list as the office enters it."""
    sent_at, batch = issued_at(chance), batch_of(chance)
    entered_at = sent_at + timedelta(minutes=20)
    told = {
        "id": str(batch),
        "issuer": "县疫情防控指挥部流调溯源组（演示）",
        "batch_number": f"{sent_at:%Y-%m-%d}第3批",
        "issued_at": sent_at.isoformat(),
        "deadline_at": at(chance.as_of + _DAY, 18).isoformat(),
        "instructions": "逐人电话核实行程，查验行程卡、健康码、核酸和疫苗接种情况。",
        "recorded_at": entered_at.isoformat(),
    }
    yield Deed(entered_at, OFFICE, "/v1/lead-batches", told)
    row = count(2)
    items = [_line(chance, each, next(row), entered_at) for each in leads]
    path = f"/v1/lead-batches/{batch}/leads/batch"
    yield Deed(entered_at + timedelta(minutes=5), OFFICE, path, {"items": items})


def _line(chance: Chance, lead: Lead, row: int, entered_at: datetime) -> Body:
    place = _PLACES.get(lead.origin.code, "岭边县")
    left_on = chance.as_of - timedelta(days=4 + lead.number % 4)
    return {
        "id": str(lead.id),
        "row_number": row,
        "name": lead.person.name,
        "phone": lead.person.phone,
        **(_document(lead.person) if lead.number % 4 == 0 or not lead.person.phone else {}),
        "address": _address(lead),
        "lead_source": (LeadSource.big_data, LeadSource.telecom)[lead.number % 2],
        "origin_place": place,
        "origin_code": lead.origin.code,
        "claimed": ExposureClass.returnee,
        "claim": f"{left_on:%m月%d日}前14天内漫游地为{place}",
        "claimed_on": str(left_on),
        "deadline_at": at(chance.as_of - _DAY, 18).isoformat() if lead.late else None,
        "recorded_at": entered_at.isoformat(),
    }


def _document(person: Resident | Stranger) -> Body:
    return {
        "document_kind": DocumentKind.resident_identity,
        "document": person.identity_number,
    }


def _address(lead: Lead) -> str | None:
    if lead.outcome in _ELSEWHERE:
        return "岭边县云坡镇新街（来件所写）"
    if lead.status is S.imported:
        return None
    return f"青竹乡{lead.village.grid.name}{lead.hamlet.grid.name}"
