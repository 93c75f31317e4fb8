"""Quarantine of a resident: its place and days, the four who serve, where the person is."""
