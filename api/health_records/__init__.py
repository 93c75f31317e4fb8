"""What laboratories say of a person: tests, their samples and results."""
