"""Every table of the service, gathered for migrations and for moving a grid with all it holds."""

from api.access import models as access
from api.alerts import models as alerts
from api.arrivals import models as arrivals
from api.care import errand_models as errands
from api.care import models as care
from api.checkpoints import models as checkpoints
from api.clients import models as clients
from api.directives import models as directives
from api.dossiers import models as dossiers
from api.duties import models as duties
from api.foundation import records
from api.foundation.database import metadata
from api.grids import models as grids
from api.health_codes import models as health_codes
from api.health_records import models as health_records
from api.health_records import validity_models as validity
from api.inbound import models as inbound
from api.leads import models as leads
from api.leads import verification_models as verification
from api.live import models as live
from api.movements import models as movements
from api.protocols import models as protocols
from api.quarantines import models as quarantines
from api.quarantines import stage_models as stages
from api.readings import models as readings
from api.registry import models as registry
from api.releases import models as releases
from api.rosters import models as rosters
from api.sites import models as sites
from api.visits import models as visits
from api.webhooks import models as webhooks

__all__ = [
    "access",
    "alerts",
    "arrivals",
    "care",
    "checkpoints",
    "clients",
    "directives",
    "dossiers",
    "duties",
    "errands",
    "grids",
    "health_codes",
    "health_records",
    "inbound",
    "leads",
    "live",
    "metadata",
    "movements",
    "protocols",
    "quarantines",
    "readings",
    "records",
    "registry",
    "releases",
    "rosters",
    "sites",
    "stages",
    "validity",
    "verification",
    "visits",
    "webhooks",
]
