"""The end of a quarantine: its conditions with their evidence, who approves, and the notice."""
