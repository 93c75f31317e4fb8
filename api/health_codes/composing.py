"""One request as its system wants it: gaps filled in, signed, and a copy that may be shown."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import orjson

from api.foundation.identity import DocumentKind, mask_document, mask_name, mask_phone
from api.health_codes.answers import Asked
from api.health_codes.calls import Call, Clock, Signature, TimeForm
from api.health_codes.documents import SystemDocument
from api.health_codes.signing import signature_of
from api.health_codes.templates import fill, fill_all, gaps_in, templates_in

HIDDEN = "***"
_PRINTABLE = "".join(chr(each) for each in range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Composed:
    """What goes out, before it is written as a query, a form or JSON. Never printed."""

    call: Call
    headers: Mapping[str, str]
    fields: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Composed({self.call.method} {self.call.path})"

    def request(self, client: httpx.AsyncClient) -> httpx.Request:
        """The request as this client sends it."""
        told = dict(self.fields)
        body: dict[str, Any] = {
            "query": {"params": told},
            "form": {"data": told},
            "multipart": {"files": {name: (None, value) for name, value in told.items()}},
            "json": {"json": told},
        }[self.call.body]
        path = self.call.path.lstrip("/")
        return client.build_request(self.call.method, path, headers=dict(self.headers), **body)


def compose(call: Call, signature: Signature | None, known: Mapping[str, str]) -> Composed:
    """Fill in and sign; a KeyError names what is not known, `CannotSign` what cannot be signed."""
    fields, headers = _filled(call, known)
    if signature is not None:
        signed = signature_of(signature, _as_text(fields), known)
        (fields if signature.place == "field" else headers)[signature.name] = signed
    return Composed(call, headers, fields)


def compose_shown(call: Call, signature: Signature | None, known: Mapping[str, str]) -> Composed:
    """The same request as it may be shown: `known` is masked already, the signature is hidden."""
    fields, headers = _filled(call, known)
    if signature is not None:
        (fields if signature.place == "field" else headers)[signature.name] = HIDDEN
    return Composed(call, headers, fields)


def _filled(call: Call, known: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    told = {name: part for name, part in call.fields.items() if _wanted(call, name, known)}
    fields: dict[str, Any] = fill_all(told, known)
    # A header holds no Chinese and no end of line, whatever a name or a scanned code says.
    headers = {name: quote(fill(told, known), _PRINTABLE) for name, told in call.headers.items()}
    return (dict(_as_text(fields)) if call.inner == "text" else fields), headers


def _wanted(call: Call, name: str, known: Mapping[str, str]) -> bool:
    gaps = (gap for text in templates_in(call.fields[name]) for gap in gaps_in(text))
    return name not in call.optional or all(gap in known for gap in gaps)


def _as_text(fields: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in fields.items()
    }


def known_of(document: SystemDocument, asked: Asked, at: datetime) -> dict[str, str]:
    """What is known of a person, by the names of the gaps, without what is not known."""
    kind = asked.document_kind or DocumentKind.resident_identity
    code = document.document_kinds.get(kind)
    told = {
        "document_number": asked.document if code is not None else None,
        "document_kind": code if asked.document is not None else None,
        "name": asked.name,
        "phone": asked.phone,
        "shown": asked.shown,
    }
    return {name: value for name, value in told.items() if value} | of_the_moment(
        document.clock, at
    )


def masked_of(document: SystemDocument, asked: Asked, at: datetime) -> dict[str, str]:
    """As `known_of`, with the person's own data masked."""
    known = known_of(document, asked, at)
    kind = asked.document_kind or DocumentKind.resident_identity
    masked = {
        "document_number": mask_document(kind, asked.document or ""),
        "name": mask_name(asked.name or ""),
        "phone": mask_phone(asked.phone or ""),
        "shown": HIDDEN,
    }
    return known | {name: mask for name, mask in masked.items() if name in known}


def of_the_moment(clock: Clock, at: datetime) -> dict[str, str]:
    """The time as the system wants it written, and a number used once."""
    return {"timestamp": _written(clock, at), "nonce": secrets.token_hex(16)}


def _written(clock: Clock, at: datetime) -> str:
    if clock.form is TimeForm.seconds:
        return str(int(at.timestamp()))
    if clock.form is TimeForm.milliseconds:
        return str(int(at.timestamp() * 1000))
    local = at.astimezone(ZoneInfo(clock.zone))
    return f"{local:%Y%m%d%H%M%S}" if clock.form is TimeForm.compact else f"{local:%F %T}"
