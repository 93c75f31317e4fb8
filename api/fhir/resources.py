"""Records as FHIR R4 resources: pure functions of a row, in FHIR's own words.

What identifies somebody is there only for who may know it; what is left out is said to be masked.
"""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from api.access.permissions import Role
from api.fhir.words import ACT_CODE, LOINC, OBSERVATION_CATEGORY, UCUM, concept, text
from api.foundation.identity import DocumentKind
from api.foundation.labels import Labelled
from api.grids.models import GridKind
from api.health_records.models import VaccineTechnology
from api.protocols.models import ManagementCategory
from api.visits.models import VisitOutcome

Resource = dict[str, Any]

_MASKED = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "masked",
        }
    ]
}


class View(NamedTuple):
    """By whose eyes and from which address resources are told."""

    base: str
    identify: bool


def whole(resource: Resource) -> Resource:
    """The resource without its empty members, which FHIR does not allow."""
    return {name: value for name, value in resource.items() if value not in (None, [], {}, "")}


def patient(row: Any, view: View) -> Resource:
    """A resident. The document number is never told, only of which kind it is."""
    named = view.identify
    kind = row.document_kind and DocumentKind(row.document_kind)
    number = (
        {
            "system": f"{view.base}/sid/{kind}",
            "type": text(kind.label),
            "_value": _MASKED,
        }
        if kind
        else None
    )
    return {
        "active": row.active == "true",
        "identifier": [number] if number and named else [],
        "name": [{"text": row.name} if named else {"_text": _MASKED}],
        "gender": row.gender,
        "birthDate": str(row.born) if named and row.born else None,
        "deceasedDateTime": str(row.died_on) if named and row.died_on else None,
        "deceasedBoolean": True if row.died_on and not named else None,
    }


def observation(row: Any, _: View) -> Resource:
    """A temperature: vital signs, LOINC 8310-5, degrees Celsius (UCUM Cel)."""
    return {
        "status": row.status,
        "category": [concept(OBSERVATION_CATEGORY, "vital-signs", "Vital Signs")],
        "code": concept(LOINC, "8310-5", "Body temperature") | {"text": "体温"},
        "subject": reference("Patient", row.patient),
        "effectiveDateTime": instant(row.at),
        "issued": instant(row.updated_at),
        "valueQuantity": {
            "value": float(row.value_c),
            "unit": "℃",
            "system": UCUM,
            "code": "Cel",
        },
        "interpretation": [_interpretation(row)] if row.abnormal or row.low else [],
    }


def _interpretation(row: Any) -> Resource:
    code, label = ("L", "Low") if row.low else ("A", "Abnormal")
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    return concept(system, code, label)


def encounter(row: Any, _: View) -> Resource:
    """A knock on a household's door: it has a place, and no patient of its own."""
    return {
        "status": row.status,
        "class": {"system": ACT_CODE, "code": row.act, "display": _ACTS[row.act]},
        "type": [text("入户走访")],
        "period": {"start": instant(row.at), "end": instant(row.at)},
        "location": [{"location": reference("Location", row.location)}],
        "reasonCode": [text(VisitOutcome(row.outcome).label)],
    }


_ACTS = {"HH": "home health", "VR": "virtual"}


def care_team(row: Any, _: View) -> Resource:
    """The workers who serve somebody in quarantine (四包一), now and before."""
    return {
        "status": row.status,
        "name": "四包一",
        "subject": reference("Patient", row.patient),
        "period": period(row.at, row.until),
        "participant": [
            {
                "role": [text(Role(seat["role"]).label)],
                "member": {"type": "Practitioner", "display": seat["name"]},
                "period": whole({"start": seat["from"], "end": seat["to"]}),
            }
            for seat in row.seats
        ],
    }


def immunization(row: Any, _: View) -> Resource:
    """A dose, or that there must be none."""
    technology = row.technology and VaccineTechnology(row.technology)
    return {
        "status": row.status,
        "statusReason": text("有禁忌，不宜接种") if row.status == "not-done" else None,
        "vaccineCode": text(row.product or (technology.label if technology else "未说明")),
        "patient": reference("Patient", row.patient),
        "occurrenceDateTime": str(row.given_on),
        "manufacturer": {"display": row.manufacturer} if row.manufacturer else None,
        "lotNumber": row.batch_number,
        "performer": [{"actor": {"display": row.unit}}] if row.unit else [],
        "protocolApplied": [{"doseNumberPositiveInt": row.dose_number}] if row.dose_number else [],
    }


def location(row: Any, _: View) -> Resource:
    """A grid in the tree."""
    return {
        "status": row.status,
        "name": row.name,
        "identifier": [{"system": "urn:onegrid:grid-code", "value": row.code}],
        "mode": "instance",
        "type": [text(GridKind(row.kind).label)],
        "physicalType": concept(
            "http://terminology.hl7.org/CodeSystem/location-physical-type", "area", "Area"
        ),
        "partOf": reference("Location", row.partof) if row.partof else None,
    }


def flag(row: Any, _: View) -> Resource:
    """A quarantine: what everybody who meets this person has to know."""
    system = "http://terminology.hl7.org/CodeSystem/flag-category"
    return {
        "status": row.status,
        "category": [concept(system, "safety", "Safety")],
        "code": coded("quarantine-category", ManagementCategory(row.category)),
        "subject": reference("Patient", row.patient),
        "period": whole({"start": str(row.started_on), "end": _day(row.ended_on)}),
    }


def coded(system: str, value: Labelled) -> Resource:
    """A value of an enumeration of this service, with its Chinese label."""
    return concept(f"urn:onegrid:{system}", value.value, value.label) | {"text": value.label}


def reference(kind: str, identity: Any) -> Resource:
    return {"reference": f"{kind}/{identity}"}


def period(begins: datetime, ends: datetime | None) -> Resource:
    return whole({"start": instant(begins), "end": ends and instant(ends)})


def instant(at: datetime) -> str:
    """With Z, which may stand in an address as it is; the + of an offset would be a blank there."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(day: date | None) -> str | None:
    return None if day is None else str(day)
