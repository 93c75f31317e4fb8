"""Whether an arrival and a resident can be one person: a document of one kind has one number."""

from api.arrivals.models import Arrival
from api.arrivals.problems import DocumentsDiffer
from api.registry.models import Resident


def refuse_another(arrival: Arrival, resident: Resident, *, pointer: str) -> None:
    """Raise `DocumentsDiffer` where both showed the same kind of document, each its own.

    Names may be written in two ways and phones are shared; a number that differs is another person,
    or a mistake that somebody has to find before the wrong one is put in quarantine.
    """
    told, known = arrival.document_lookup, resident.document_lookup
    if told is None or known is None or arrival.document_kind is not resident.document_kind:
        return
    if told != known:
        raise DocumentsDiffer(pointer=pointer, resident_id=str(resident.id))
