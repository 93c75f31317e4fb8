"""Who is on duty at which place, when and as what."""
