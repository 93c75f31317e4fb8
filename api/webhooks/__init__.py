"""Telling other systems what happened: signed, in order, at least once, nothing they may not see."""
