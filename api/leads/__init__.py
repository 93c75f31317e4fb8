"""Leads from above: received, matched, assigned, verified against the clock, reviewed, fed back."""
