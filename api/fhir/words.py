"""Code systems, and how a coded value is written."""

from typing import Any

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def text(said: str) -> dict[str, Any]:
    """A CodeableConcept that is only said, not coded."""
    return {"text": said}
