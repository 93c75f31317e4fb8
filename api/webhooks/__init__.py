"""Telling other systems of what happened, over the network, until they have it."""
