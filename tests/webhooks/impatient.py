"""`onegrid` that gives up and tries again within seconds, for watching it being killed."""

from datetime import timedelta

from api.cli import main
from api.webhooks import backoff, courier, deliveries, sending

if __name__ == "__main__":
    setattr(backoff, "FIRST_PAUSE", timedelta(milliseconds=200))  # noqa: B010
    setattr(backoff, "LONGEST_PAUSE", timedelta(seconds=2))  # noqa: B010
    setattr(backoff, "LONGEST_REST", timedelta(seconds=1))  # noqa: B010
    setattr(courier, "TIMEOUT_SECONDS", 2.0)  # noqa: B010
    setattr(deliveries, "LEASE", timedelta(seconds=5))  # noqa: B010
    setattr(sending, "LOOK_AGAIN_SECONDS", 0.5)  # noqa: B010
    main()
