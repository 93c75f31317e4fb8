"""All the background work there is: importing a room's makes it known to whoever does it."""

from api.live import retention as live

__all__ = ["live"]
