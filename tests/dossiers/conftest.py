"""The owner's door, for what no character may do."""

from tests.access.conftest import owner

__all__ = ["owner"]
