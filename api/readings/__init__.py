"""Temperatures and symptoms, one for every window of every day."""
