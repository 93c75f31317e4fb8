"""Every table of the service, gathered for migrations and for moving a grid with all it holds."""

from api.access import models as access
from api.foundation import records
from api.foundation.database import metadata
from api.grids import models as grids
from api.protocols import models as protocols
from api.quarantines import models as quarantines
from api.readings import models as readings
from api.registry import models as registry
from api.visits import models as visits

__all__ = [
    "access",
    "grids",
    "metadata",
    "protocols",
    "quarantines",
    "readings",
    "records",
    "registry",
    "visits",
]
