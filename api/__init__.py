"""One net (一张网) for a township in an epidemic: grids, households, visits, quarantine, care."""

import gc

# The rooms make hundreds of thousands of objects, hardly any in a circle: looking for circles as
# often as Python does takes a quarter of the time in which a process starts.
gc.set_threshold(50_000)
