"""Arrivals as the wire shows them: names plain, what identifies a person masked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.arrivals.divisions import known_divisions
from api.arrivals.models import Arrival
from api.arrivals.queries import (
    awaits_decision,
    classifications_of,
    companions_of,
    differs_from_plan,
    is_overdue,
)
from api.arrivals.rules import Reporting, Rules, driver_of, reporting, rules_of
from api.arrivals.schemas import (
    ArrivalFile,
    ArrivalRead,
    ArrivalRevealed,
    ClassificationRead,
    Companion,
    StayRead,
)
from api.arrivals.unclear import unclear_codes
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import mask_address, mask_document, mask_phone
from api.foundation.pages import Page
from api.foundation.sealed import Keyring
from api.registry.masked import MAJORITY, age_on, opened


async def shown(session: AsyncSession, reader: Claims, arrival: Arrival) -> ArrivalRead:
    """One arrival as the wire shows it."""
    return (await _all_shown(session, reader, [arrival]))[0]


async def shown_page(
    session: AsyncSession, reader: Claims, page: Page[Arrival]
) -> Page[ArrivalRead]:
    """A page of them; a few statements more, however many there are."""
    items = await _all_shown(session, reader, page.items)
    return Page[ArrivalRead](items=items, next_cursor=page.next_cursor)


async def shown_file(session: AsyncSession, reader: Claims, arrival: Arrival) -> ArrivalFile:
    """An arrival with its former classifications and its companions."""
    classed = await classifications_of(session, arrival.id)
    companions = await companions_of(session, arrival)
    return ArrivalFile(
        arrival=await shown(session, reader, arrival),
        classifications=[ClassificationRead.model_validate(each) for each in classed],
        companions=[
            Companion(arrival_id=each.id, **each.model_dump(include=_OF_COMPANIONS))
            for each in companions
        ],
    )


_OF_COMPANIONS = set(Companion.model_fields)


async def _all_shown(
    session: AsyncSession, reader: Claims, arrivals: Sequence[Arrival]
) -> list[ArrivalRead]:
    if not arrivals:
        return []
    connection, keyring = await driver_of(session), keyring_of(session)
    rules = await rules_of(connection, reader.cell)
    known = await known_divisions(session, {code for each in arrivals for code in _codes(each)})
    unclear = await unclear_codes(connection, rules, arrivals)
    odd = {
        each.id: {
            "unknown_codes": [code for code in _codes(each) if code not in known],
            "unclear_codes": unclear[each.id],
        }
        for each in arrivals
    }
    return [_shown(keyring, rules, each, odd[each.id]) for each in arrivals]


def _codes(arrival: Arrival) -> list[str]:
    """Where they come from and where they were, each once."""
    told = [arrival.origin_code, *(stay["code"] for stay in arrival.stays)]
    return list(dict.fromkeys(code for code in told if code))


_OWN = set(ArrivalRead.model_fields) & set(Arrival.model_fields) - {"stays"}


def _shown(
    keyring: Keyring, rules: Rules, arrival: Arrival, odd: Mapping[str, Sequence[str]]
) -> ArrivalRead:
    today = clock.today()
    age = age_on(today, arrival.birth_date) if arrival.birth_date else None
    told = {
        **arrival.model_dump(include=_OWN),
        **_masked(revealed(keyring, arrival)),
        **asdict(_reporting(rules, arrival)),
        "stays": [StayRead.model_validate(stay) for stay in arrival.stays],
        **odd,
        "age": age,
        "is_minor": None if age is None else age < MAJORITY,
        "has_note": arrival.note_sealed is not None,
        "overdue": is_overdue(arrival, today),
        "awaits_decision": awaits_decision(arrival),
        "differs_from_plan": differs_from_plan(arrival),
    }
    return ArrivalRead.model_validate(told)


def _reporting(rules: Rules, arrival: Arrival) -> Reporting:
    return reporting(
        rules,
        recorded_at=arrival.recorded_at,
        expected_on=arrival.expected_on,
        arrived_at=arrival.arrived_at,
        told_at=arrival.arrival_told_at,
    )


def _masked(plain: ArrivalRevealed) -> dict[str, str | None]:
    kind, document = plain.document_kind, plain.document
    return {
        "document": mask_document(kind, document) if kind and document else None,
        "phone": mask_phone(plain.phone) if plain.phone else None,
        "contact_phone": mask_phone(plain.contact_phone) if plain.contact_phone else None,
        "destination": mask_address(plain.destination) if plain.destination else None,
    }


def revealed(keyring: Keyring, arrival: Arrival) -> ArrivalRevealed:
    """The plain values of an arrival; whoever shows this has a reason on record."""
    return ArrivalRevealed(
        id=arrival.id,
        document_kind=arrival.document_kind,
        birth_date=arrival.birth_date,
        document=opened(keyring, arrival.document_sealed, context="arrivals.document"),
        phone=opened(keyring, arrival.phone_sealed, context="arrivals.phone"),
        contact_phone=opened(
            keyring, arrival.contact_phone_sealed, context="arrivals.contact_phone"
        ),
        destination=opened(keyring, arrival.destination_sealed, context="arrivals.destination"),
        note=opened(keyring, arrival.note_sealed, context="arrivals.note"),
    )
