"""The arrival or the quarantine that follows from a lead, carrying its facts."""

from datetime import datetime, time
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.arrivals.coming_schemas import ArrivalRecord
from api.arrivals.odd_days import refuse_odd_exposure
from api.arrivals.recording import record_arrival
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput
from api.leads.masked import plain_of
from api.leads.models import Lead
from api.leads.shown import LeadRevealed
from api.leads.verification_schemas import LeadArrival, LeadConclusion
from api.quarantines.begin import begin_quarantine

WITHIN = "/body/arrival"
_ODD = "线索所载的内容不能用于登记返（来）乡，请由接收该批的一级更正线索后再办。"


async def start_control(
    session: AsyncSession, caller: Claims, lead: Lead, said: LeadConclusion
) -> dict[str, Any]:
    """Start what the conclusion asks for; returns what the lead has of it from now on.

    Raises what registering an arrival and beginning a quarantine raise; nothing is half written.
    """
    started: dict[str, Any] = {}
    if said.arrival is not None:
        told = _arrival(session, lead, said.arrival)
        arrival, _ = await record_arrival(session, caller, told, within=WITHIN)
        started["arrival_id"] = arrival.id
    if said.quarantine is not None:
        quarantine, _ = await begin_quarantine(
            session, caller, said.quarantine, within="/body/quarantine"
        )
        started["quarantine_id"] = quarantine.id
    return started


def _arrival(session: AsyncSession, lead: Lead, said: LeadArrival) -> ArrivalRecord:
    """The arrival of the person of a lead: what the lead says, and what it could not."""
    plain = plain_of(keyring_of(session), lead)
    facts = {
        **_person(lead, said, plain),
        "origin_code": lead.origin_code,
        "transport": lead.transport,
        "transport_number": lead.transport_number,
        "last_exposure_on": lead.claimed_on,
        "exposure_class": lead.claimed,
        "note": plain.claim,
    }
    told = {name: value for name, value in facts.items() if value is not None}
    come = {
        "id": said.id,
        "household_id": said.household_id,
        "stays": said.stays,
        **_when(lead, said),
    }
    try:
        arrival = ArrivalRecord.model_validate({**come, **told})
        refuse_odd_exposure(arrival)
    except (ValidationError, InvalidInput) as error:  # held to more than what issuers write
        raise InvalidInput(_ODD, pointer=WITHIN) from error
    return arrival


def _person(lead: Lead, said: LeadArrival, plain: LeadRevealed) -> dict[str, Any]:
    """Who it is: a resident, or somebody of whom only the lead tells.

    Of a resident the register may not have the numbers that the lead tells.
    """
    numbers = {
        "document_kind": lead.document_kind,
        "document": plain.document,
        "phone": plain.phone,
    }
    if lead.resident_id is not None:
        return {"resident_id": lead.resident_id, **numbers}
    person = {"name": lead.name or said.name, "sex": lead.sex, "birth_date": lead.birth_date}
    return person | numbers


def _when(lead: Lead, said: LeadArrival) -> dict[str, Any]:
    """When the person came; who is on the way by what the lead tells is expected on that day."""
    told = lead.arrived_on
    if said.arrived_at is None and told is not None and told > clock.today():
        return {"expected_on": told}
    return {"arrived_at": said.arrived_at or _arrived(lead)}


def _arrived(lead: Lead) -> datetime:
    """When the person came: on the day the lead tells of, else before now."""
    if lead.arrived_on is None or lead.arrived_on >= clock.today():
        return clock.now()
    return datetime.combine(lead.arrived_on, time(12), clock.TOWNSHIP_ZONE)
