"""Telling other systems what happened: signed, in order, at least once, only what they may see."""
