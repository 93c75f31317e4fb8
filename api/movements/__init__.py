"""Whoever is under control and is brought somewhere, goes to hospital, or leaves for a while."""
