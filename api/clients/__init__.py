"""Machine clients: programs of other systems, how they prove who they are, what they may do."""
