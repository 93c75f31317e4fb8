"""One net (一张网) for a township in an epidemic: grids, households, visits, quarantine, care."""
