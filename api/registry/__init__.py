"""Households and residents, and the bond that makes three people answerable for each household."""
