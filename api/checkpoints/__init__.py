"""Checkpoints at the road: passes, the codes that are checked, what is to be checked again."""
