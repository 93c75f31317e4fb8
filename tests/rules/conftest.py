"""What the rules are checked against: the contract of the running service, and all its people."""

import pytest

from tests.cast import Town
from tests.rules.operations import Operation, operations


@pytest.fixture(scope="module")
def contract(town: Town) -> list[Operation]:
    return list(operations(town.app.openapi()))
