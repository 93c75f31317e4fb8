"""What the contract and the tables show to whom beyond a reach: to the township, to a duty."""

SHIPPED = {
    "read_alert_policy",
    "read_care_team_policy",
    "read_checkpoint_rule",
    "read_monitoring_policy",
    "read_validity_policy",
    "read_workload_policy",
}
"""Every township begins with the same of these."""
OF_THE_TOWNSHIP = SHIPPED | {"read_protocol", "read_risk_area"}
OF_ONESELF = {"list_sessions", "read_me"}
CONFIGURED = {"read_health_code_system", "read_health_code_system_state"}
"""Read by its code, by who administers the township; none is there to begin with."""
ASKED_OF_A_PLACE = {"list_roster_gaps"}
"""A list that says of which place it is asked; its own room tries it."""
NOT_OF_A_PLACE = {
    "list_alert_policies",
    "list_care_team_policies",
    "list_checkpoint_rules",
    "list_divisions",
    "list_health_code_presets",
    "list_health_code_systems",
    "list_monitoring_policies",
    "list_presets",
    "list_protocols",
    "list_retests",
    "list_risk_areas",
    "list_validity_policies",
    "list_workload_policies",
    "read_health_code_system_schema",
    "read_lead_template",
    "read_protocol_schema",
}
OF_A_RELEASED = {"read_release_notice", "print_release_notice"}
"""Of who is still under control there is none."""

DUTY_SHOWS = {
    "list_bonds",
    "list_changes_of_quarantine",
    "list_cohabitants",
    "list_release_follow_ups",
    "list_site_checks",
    "list_whereabouts",
    "read_alert",
    "read_call",
    "read_change",
    "read_code_state",
    "read_code_state_history",
    "read_dossier",
    "read_errand",
    "read_errand_history",
    "read_hospital_referral",
    "read_household",
    "read_household_history",
    "read_leave",
    "read_quarantine",
    "read_reading",
    "read_reading_history",
    "read_release",
    "read_resident",
    "read_resident_history",
    "read_stages",
    "read_standing",
    "read_team",
    "read_temperature_sheet",
    "read_test",
    "read_test_history",
    "read_transfer",
    "read_travel_card",
    "read_travel_card_history",
    "read_vaccination",
    "read_vaccination_history",
}
NOT_OF_THE_DUTY = {
    "arrival_id",
    "directive_id",
    "post_id",
    "released_id",
    "visit_id",
    "waiting_id",
    "worker_id",
}
"""What else was seeded of the house: a duty to one person shows nothing of it in any list."""
_BY_QUARANTINE = (
    "alerts",
    "alert_evidence",
    "alert_hops",
    "alert_tellings",
    "alert_actions",
    "care_calls",
    "care_seats",
    "errands",
    "events",
    "hospital_referrals",
    "leaves",
    "quarantine_plans",
    "quarantine_stages",
    "readings",
    "readings_not_taken",
    "site_checks",
    "stage_changes",
    "transfers",
    "whereabouts",
)
_BY_RESIDENT = ("code_states", "diagnostic_tests", "travel_cards", "vaccinations")
DUTY_COLUMNS = {
    "households": ("id", "household_id"),
    "residents": ("id", "resident_id"),
    "bonds": ("household_id", "household_id"),
    "quarantines": ("id", "quarantine_id"),
    "revisions": ("duty_id", "quarantine_id"),
    **dict.fromkeys(_BY_RESIDENT, ("resident_id", "resident_id")),
    **dict.fromkeys(_BY_QUARANTINE, ("quarantine_id", "quarantine_id")),
}
"""By which column a row belongs to the person of the duty; of all other tables, duty shows none."""
