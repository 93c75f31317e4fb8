"""The care line: a call to every quarantined person every day, and after release."""
