"""Every room's operations, in the order in which the contract lists them."""

from fastapi.routing import APIRoute

from api.access import routes as access
from api.alerts import policy_routes as alert_policies
from api.alerts import routes as alerts
from api.arrivals import division_routes as divisions
from api.arrivals import plan_routes as arrival_plans
from api.arrivals import risk_routes as risk_areas
from api.arrivals import routes as arrivals
from api.arrivals import step_routes as arriving
from api.care import errand_correction_routes as errand_corrections
from api.care import errand_routes as errands
from api.care import routes as care
from api.checkpoints import pass_correction_routes as pass_corrections
from api.checkpoints import pass_routes as passes
from api.checkpoints import routes as checkpoints
from api.checkpoints import rule_routes as checkpoint_rules
from api.clients import oauth_routes as oauth
from api.clients import routes as clients
from api.directives import routes as directives
from api.dossiers import routes as dossiers
from api.duties import routes as duties
from api.fhir import routes as fhir
from api.foundation import health
from api.grids import people_routes as people
from api.grids import routes as grids
from api.health_codes import routes as health_codes
from api.health_records import card_routes as corrected_cards
from api.health_records import code_correction_routes as corrected_codes
from api.health_records import code_routes as codes_and_cards
from api.health_records import routes as health_records
from api.health_records import tube_routes as tubes
from api.health_records import vaccination_routes as vaccinations
from api.health_records import validity_routes as validity
from api.inbound import routes as inbound
from api.inbound import waiting_routes as held_events
from api.leads import client_routes as delivered_leads
from api.leads import correction_routes as lead_corrections
from api.leads import routes as leads
from api.leads import upload_routes as lead_sheets
from api.leads import verification_routes as verification
from api.live import routes as live
from api.movements import leave_routes as leaves
from api.movements import referral_routes as referrals
from api.movements import transfer_routes as transfers
from api.protocols import protocol_routes
from api.protocols import routes as policies
from api.quarantines import contact_routes as contacts
from api.quarantines import home_routes as homes
from api.quarantines import routes as quarantines
from api.quarantines import stage_routes as stages
from api.quarantines import team_routes as teams
from api.quarantines import whereabouts_routes as whereabouts
from api.readings import routes as readings
from api.registry import discarding_routes as registered_by_mistake
from api.registry import resident_routes as residents
from api.registry import routes as registry
from api.releases import routes as releases
from api.rosters import routes as rosters
from api.sites import attendance_routes as attendance
from api.sites import campaign_routes as campaigns
from api.sites import correction_routes as site_corrections
from api.sites import routes as sites
from api.sites import taken_back_routes as taken_back
from api.sites import tally_routes as tallies
from api.visits import routes as visits
from api.webhooks import routes as webhooks
from api.webhooks import township_routes as webhooks_of_clients

_ROUTERS = (
    readings.hot,
    duties.hot,
    passes.hot,
    readings.router,
    duties.router,
    access.gate,
    access.own,
    access.router,
    access.keys,
    oauth.tokens,
    oauth.metadata,
    clients.router,
    webhooks.router,
    webhooks_of_clients.router,
    grids.router,
    people.router,
    registry.router,
    residents.router,
    registered_by_mistake.router,
    visits.router,
    health_records.router,
    codes_and_cards.router,
    corrected_codes.router,
    corrected_cards.router,
    tubes.router,
    vaccinations.router,
    validity.router,
    health_codes.router,
    care.router,
    errands.router,
    errand_corrections.router,
    arrivals.router,
    arriving.router,
    arrival_plans.router,
    risk_areas.router,
    divisions.router,
    lead_sheets.router,
    leads.router,
    lead_corrections.router,
    delivered_leads.router,
    verification.router,
    policies.router,
    protocol_routes.router,
    alerts.router,
    alert_policies.router,
    stages.router,
    quarantines.router,
    teams.router,
    homes.router,
    contacts.router,
    whereabouts.router,
    transfers.router,
    referrals.router,
    leaves.router,
    releases.router,
    inbound.router,
    held_events.router,
    held_events.client_router,
    live.router,
    sites.router,
    attendance.router,
    taken_back.router,
    tallies.router,
    campaigns.router,
    site_corrections.router,
    dossiers.router,
    directives.router,
    rosters.router,
    passes.router,
    pass_corrections.router,
    checkpoints.router,
    checkpoint_rules.router,
    fhir.router,
    health.router,
)

OPERATIONS = [
    route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)
]
