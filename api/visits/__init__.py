"""Door-to-door visits: what was met at the door, and what must be followed up."""
