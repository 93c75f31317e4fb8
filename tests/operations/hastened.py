"""`onegrid` by a clock of which a minute passes in a second, the same for all who began with it."""

import os
import time
from datetime import UTC, datetime, timedelta

from api.cli import main
from api.foundation import clock

BEGAN = "TESTS_CLOCK_BEGAN"
HASTE = 60


def hastened_now() -> datetime:
    began = float(os.environ[BEGAN])
    return datetime.fromtimestamp(began, UTC) + timedelta(seconds=(time.time() - began) * HASTE)


if __name__ == "__main__":
    setattr(clock, "now", hastened_now)  # noqa: B010 - a module is not meant to be changed
    main()
