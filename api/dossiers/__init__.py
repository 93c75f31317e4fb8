"""One person, one file: everything known of a resident on one timeline."""
