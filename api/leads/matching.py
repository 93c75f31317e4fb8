"""Whom a lead tells of: proved by a number, or to be confirmed by somebody who looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from api.leads.models import Lead, MatchedBy
from api.leads.places import Spot, nearness
from api.leads.scoring import (
    LIKELY,
    Comparison,
    Paper,
    agree,
    compare_birth,
    compare_sex,
    other_document,
)
from api.registry.models import Resident

MOST_CANDIDATES = 5


class Candidate(NamedTuple):
    """A resident whom a lead may mean."""

    resident: Resident
    score: int
    why: str


@dataclass(frozen=True, slots=True)
class Identified:
    """The resident a lead tells of and how that is known, or those it may tell of."""

    resident: Resident | None
    how: MatchedBy | None
    candidates: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class Alike:
    """The residents who share something with a lead."""

    by_document: Sequence[Resident]
    by_phone: Sequence[Resident]
    by_name: Sequence[Resident]


def identify(lead: Lead, alike: Alike, *, named: Spot | None, today: date) -> Identified:
    """Whom a lead tells of; `named` is the grid that its address names.

    The holder of the document, whatever name is told. Otherwise the only resident with the phone,
    unless name or document say it is somebody else: families share phones. Otherwise nobody, and
    the likeliest are shown to a person (`scoring`).
    """
    if alike.by_document:
        return Identified(alike.by_document[0], MatchedBy.document, ())
    if len(alike.by_phone) == 1:
        only = alike.by_phone[0]
        if agree(lead.name, only.name) is not False and not _another(lead, only):
            return Identified(only, MatchedBy.phone, ())
    pool = {resident.id: resident for resident in (*alike.by_phone, *alike.by_name)}
    weighed = [_weigh(lead, each, named=named, today=today) for each in pool.values()]
    likely = [each for each in weighed if each.score >= LIKELY]
    likely.sort(key=lambda each: (-each.score, str(each.resident.id)))
    return Identified(None, None, likely[:MOST_CANDIDATES])


def home_of(residents: Sequence[Resident]) -> Resident | None:
    """Somebody of the one household in which all of these live; None where there are more."""
    homes = {resident.household_id for resident in residents}
    return residents[0] if len(homes) == 1 else None


def _another(lead: Lead, resident: Resident) -> bool:
    return other_document(
        Paper(lead.document_kind, lead.document_lookup),
        Paper(resident.document_kind, resident.document_lookup),
    )


def _weigh(lead: Lead, resident: Resident, *, named: Spot | None, today: date) -> Candidate:
    compared = Comparison(
        same_phone=agree(lead.phone_lookup, resident.phone_lookup),
        same_name=agree(lead.name, resident.name),
        same_sex=compare_sex(lead.sex, resident.sex),
        birth=compare_birth(
            told=lead.birth_date, age=lead.age, known=resident.birth_date, today=today
        ),
        place=nearness(named, resident.reach),
        other_document=_another(lead, resident),
    )
    return Candidate(resident, compared.score, compared.why)


def is_double(lead: Lead, earlier: Lead) -> bool:
    """Whether two leads tell of one person: by the document, or by phone and name not apart."""
    if lead.id == earlier.id:
        return False
    if lead.document_lookup is not None and lead.document_lookup == earlier.document_lookup:
        return True
    same_phone = lead.phone_lookup is not None and lead.phone_lookup == earlier.phone_lookup
    apart = agree(lead.name, earlier.name) is False or other_document(
        Paper(lead.document_kind, lead.document_lookup),
        Paper(earlier.document_kind, earlier.document_lookup),
    )
    return same_phone and not apart


def first_of(lead: Lead, earlier: Sequence[Lead]) -> Lead | None:
    """The first of the earlier leads that tells of the same person."""
    doubles = [each for each in earlier if is_double(lead, each)]
    return min(doubles, key=_first, default=None)


def _first(lead: Lead) -> tuple[bool, object, UUID]:
    # Who is a double already points on to the first one, which is the better to point to.
    return lead.duplicate_of_id is not None, lead.received_at, lead.id
