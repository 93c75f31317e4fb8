"""What the rules are checked against: the contract of the running service, and all its people."""

import pytest

from tests.cast import Town
from tests.rules.operations import Operation, operations


@pytest.fixture(scope="module")
def whole(town: Town) -> list[Operation]:
    """Every operation, of workers and of machine clients, and the view in FHIR."""
    return list(operations(town.app.openapi()))


@pytest.fixture(scope="module")
def contract(whole: list[Operation]) -> list[Operation]:
    """What workers do, and what is open to anybody. FHIR speaks its own errors (tests/fhir)."""
    of_people = [each for each in whole if each.for_workers or each.is_public]
    return [each for each in of_people if not each.path.startswith("/fhir")]
