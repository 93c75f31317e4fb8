"""Other systems as callers: what they are, how they prove it, and what they may do here."""
