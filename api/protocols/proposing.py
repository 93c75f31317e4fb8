"""Which plan the protocols in force prescribe for a person: the most local that has a clause."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from api.protocols.documents import ProtocolDocument
from api.protocols.facts import Facts
from api.protocols.matching import Decision, decide
from api.protocols.queries import InForce, ProtocolShelf, in_force


@dataclass(frozen=True, slots=True)
class Standing:
    """A protocol with what it says."""

    protocol: InForce
    document: ProtocolDocument


@dataclass(frozen=True, slots=True)
class Proposed:
    """A plan, and the protocol and clause that prescribe it."""

    protocol: InForce
    document: ProtocolDocument
    decision: Decision


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Where a township's protocols are read: its cell is also the region that they must bind."""

    session: AsyncSession
    shelf: ProtocolShelf
    cell: str

    async def standing(self, on: date, *, disease: str | None = None) -> list[Standing]:
        """The protocols in force here on a local day, the most local first."""
        known = await in_force(self.session, on, disease=disease, region=self.cell)
        return [await self.read(protocol) for protocol in known]

    async def read(self, protocol: InForce) -> Standing:
        """A protocol with its document."""
        document = await self.shelf.document(self.session, self.cell, protocol.id)
        return Standing(protocol, document)


def propose(standing: Iterable[Standing], facts: Facts, on: date) -> Proposed | None:
    """The plan that the first of these protocols with a fitting clause prescribes, if any does."""
    for each in standing:
        decision = decide(each.document, facts, on)
        if decision is not None:
            return Proposed(each.protocol, each.document, decision)
    return None


def diseases(standing: Sequence[Standing]) -> list[str]:
    """The diseases that these protocols concern, in order."""
    return list(dict.fromkeys(each.protocol.disease for each in standing))
