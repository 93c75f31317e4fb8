"""Who comes to the township and from where, and what the list of risk areas makes of it."""
