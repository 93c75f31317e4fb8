"""Answers as FHIR's own library reads them."""

from typing import Any

import httpx
from fhir.resources.R4B import get_fhir_model_class


def outcome(answer: httpx.Response, status: int, slug: str) -> str:
    """The answer is an OperationOutcome of this problem; its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    get_fhir_model_class("OperationOutcome").model_validate(answer.json())
    [issue] = answer.json()["issue"]
    assert issue["details"]["coding"][0]["code"] == slug
    return issue["details"]["text"]


async def every(client: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    """The resources of all pages; each page is a Bundle that FHIR's library accepts."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        get_fhir_model_class("Bundle").model_validate(bundle)
        found += [entry["resource"] for entry in bundle.get("entry", [])]
        links = {each["relation"]: each["url"] for each in bundle["link"]}
        if "next" not in links:
            return found
        address = links["next"]
