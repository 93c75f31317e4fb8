"""Whatever is abnormal is told upward at once, and climbs by the clock until somebody answers."""
