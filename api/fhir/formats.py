"""In which form an answer is wanted: there is JSON, and whoever can read no JSON is told so."""

from typing import ClassVar

from fastapi import Request

from api.foundation.problems import Problem

MEDIA_TYPE = "application/fhir+json"
NDJSON = "application/fhir+ndjson"

_JSON = {MEDIA_TYPE, "application/json", "json"}
LINES = {NDJSON, "application/ndjson", "ndjson"}
_ANY = {"*/*", "application/*"}
_VERSION = "4.0"


class NotInThisForm(Problem):
    """An answer is wanted in a form in which there is none (RFC 9110 §15.5.7)."""

    status: ClassVar[int] = 406
    title: ClassVar[str] = "不支持该格式"
    detail: ClassVar[str] = "只支持 JSON（application/fhir+json，FHIR 4.0）。"


def refuse_other_forms(request: Request) -> None:
    """Raise `NotInThisForm` for what is wanted and not there; `_format` goes before `Accept`."""
    lines = request.url.path.endswith("/$export-file")
    told = request.query_params.getlist("_format")
    if told:
        for each in told:
            refuse_form(each, lines=lines)
        return
    accepted = ",".join(request.headers.getlist("accept")).strip()
    wanted = _JSON | _ANY | (LINES if lines else set[str]())
    if accepted and not any(_fits(each, wanted) for each in accepted.split(",")):
        raise NotInThisForm


def refuse_form(told: str, *, lines: bool = False) -> None:
    """The same of a value of `_format`, whose plus a form may have read as a space."""
    wanted = _JSON | (LINES if lines else set[str]())
    if told and not _fits(told.strip().replace(" ", "+").replace(";+", ";"), wanted):
        raise NotInThisForm


def _fits(told: str, wanted: set[str]) -> bool:
    name, *parameters = (each.strip().lower() for each in told.split(";"))
    said = dict(each.replace('"', "").split("=", 1) for each in parameters if "=" in each)
    refused = said.get("q", "").strip("0.") == "" if "q" in said else False
    return name in wanted and not refused and said.get("fhirversion", _VERSION) == _VERSION
