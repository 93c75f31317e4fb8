"""People who do not exist, for systems to be asked about."""

from datetime import date
from itertools import count

from api.foundation.identity import DocumentKind, synthetic_identity_number
from api.health_codes.answers import Asked

_NTH = count()


def somebody() -> Asked:
    """Another person each time."""
    nth = next(_NTH)
    number = synthetic_identity_number(
        division="451422", born=date(1960 + nth // 400, nth % 12 + 1, 7), sequence=nth % 400
    )
    return Asked(document_kind=DocumentKind.resident_identity, document=number, name="黄秀英")


def number_of(asked: Asked) -> str:
    assert asked.document is not None
    return asked.document
