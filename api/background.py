"""All the background work there is: importing a room's makes it known to whoever does it."""

from api.alerts import climbing as alerts
from api.arrivals import reclassification as arrivals
from api.checkpoints import rechecks, retention
from api.directives import lateness as directives
from api.directives import newcomers as newcomers_to_directives
from api.inbound import late as late_samples
from api.inbound import matching as inbound
from api.leads import lateness as leads
from api.leads import transferring as lead_transfers
from api.live import retention as live
from api.movements import lateness as transfers
from api.movements import overstays as quarantines
from api.quarantines import incomplete as teams
from api.readings import not_missed as late_readings
from api.readings import sweep as readings
from api.sites import retention as site_look_ups
from api.webhooks import fan_out as webhooks
from api.webhooks import retention as webhook_deliveries

__all__ = [
    "alerts",
    "arrivals",
    "directives",
    "inbound",
    "late_readings",
    "late_samples",
    "lead_transfers",
    "leads",
    "live",
    "newcomers_to_directives",
    "quarantines",
    "readings",
    "rechecks",
    "retention",
    "site_look_ups",
    "teams",
    "transfers",
    "webhook_deliveries",
    "webhooks",
]
