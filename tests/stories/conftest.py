"""Every story begins at eight in the morning of its first day, and its clock stands still."""

from collections.abc import Generator

import pytest
import time_machine

from tests.cast import Town
from tests.stories.phone import Story, at


@pytest.fixture
def story(town: Town) -> Generator[Story]:
    with time_machine.travel(at(0, 8), tick=False) as traveller:
        yield Story(town, traveller)
