"""A household as it is about to be kept: rows of what was said, checked against the ground."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.foundation.field_records import fill_in
from api.foundation.identity import Sex, document_lookup
from api.foundation.records import Source
from api.foundation.sealed import Keyring
from api.registry.ground import Ground, Sent, refuse_held
from api.registry.models import BondKind
from api.registry.problems import NotOfThisHousehold
from api.registry.resident_schemas import ResidentRecord
from api.registry.standing import Door, Person, bond_values

Values = dict[str, Any]
"""A row as its columns' values: a township's worth is made too fast for objects."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A household with its people and bonds: kept whole or not at all."""

    sent: Sent
    household: Values
    residents: list[Values]
    bonds: list[Values]

    @property
    def id(self) -> UUID:
        return self.sent.said.id


def draft(ground: Ground, sent: Sent, *, number: int) -> Draft:
    """The rows of a new household.

    Raises, with pointers, `NotFound` and `GridClosed` for its grid, `NotAColleague`,
    `ResidentAlreadyRegistered`, and what keeps somebody from standing for it.
    """
    grid = ground.grid(sent)
    ground.refuse_strangers(sent)
    household = household_values(ground, sent, reach=f"{grid.path}.h{number}", number=number)
    residents = [
        nested_values(ground, household, sent, place) for place in range(len(sent.said.residents))
    ]
    for place, resident in enumerate(residents):
        refuse_held(
            ground.holders,
            document_lookup=resident["document_lookup"],
            resident=resident["id"],
            within=f"{sent.within}/residents/{place}",
        )
    return Draft(sent, household, residents, _bonds(ground, sent, household))


def household_values(ground: Ground, sent: Sent, *, reach: str, number: int) -> Values:
    """The columns of a new household; raises `RecordedInTheFuture`."""
    said, keyring = sent.said, ground.keyring
    filled = fill_in(said, entered_by=ground.caller.worker, source=Source.visit, within=sent.within)
    return {
        **filled,
        "reach": reach,
        "grid_id": said.grid_id,
        "number": number,
        "name": said.name,
        "address_sealed": sealed(keyring, said.address, context="households.address"),
        "note_sealed": sealed(keyring, said.note, context="households.note"),
        "left_on": None,
        "destination_sealed": None,
    }


def nested_values(ground: Ground, household: Values, sent: Sent, place: int) -> Values:
    """A resident told with the household was recorded with it, unless it says otherwise."""
    said = sent.said.residents[place]
    filled = fill_in(
        said,
        entered_by=household["entered_by"],
        source=household["source"],
        within=f"{sent.within}/residents/{place}",
    )
    filled["performed_by"] = said.performed_by or household["performed_by"]
    filled["recorded_at"] = said.recorded_at or household["recorded_at"]
    return resident_values(household, said, filled=filled, keyring=ground.keyring)


def resident_values(
    household: Values, said: ResidentRecord, *, filled: Values, keyring: Keyring
) -> Values:
    """The columns of a new resident of this household; `filled` is what `fill_in` made of it."""
    document, phone = said.document, said.phone
    return {
        **filled,
        "reach": household["reach"],
        "household_id": household["id"],
        "grid_id": household["grid_id"],
        "name": said.name,
        "sex": said.sex or Sex.not_stated,
        "birth_date": said.birth_date,
        "document_kind": said.document_kind,
        "document_sealed": sealed(keyring, document, context="residents.document"),
        "document_lookup": document_lookup(keyring, said.document_kind, document),
        "phone_sealed": sealed(keyring, phone, context="residents.phone"),
        "phone_lookup": keyring.lookup(phone, context="phone") if phone else None,
        "relation": said.relation,
        "registration": said.registration,
        "is_party_member": said.is_party_member,
        "mobility_limited": said.mobility_limited,
        "lives_alone": said.lives_alone,
        "note_sealed": sealed(keyring, said.note, context="residents.note"),
        "left_on": None,
        "destination_sealed": None,
    }


def sealed(keyring: Keyring, plain: str | None, *, context: str) -> bytes | None:
    """The sealed form of a value that may be absent."""
    return None if plain is None else keyring.seal(plain, context=context)


def _bonds(ground: Ground, sent: Sent, household: Values) -> list[Values]:
    """The bonds told with a household; they begin when it is received."""
    living = {resident.id: resident.name for resident in sent.said.residents}
    bonds: list[Values] = []
    for kind, person in sent.said.people.items():
        pointer = f"{sent.within}/{kind}_id"
        if kind is BondKind.representative:
            if person not in living:
                raise NotOfThisHousehold(pointer=pointer)
            chosen = Person(person, living[person])
        else:
            reach: str = household["reach"]
            chosen = ground.standing.choose(person, kind, reach=reach, pointer=pointer)
        door = Door(household["id"], household["reach"], kind)
        bonds.append(bond_values(door, chosen, began_at=household["received_at"]))
    return bonds
