"""What health-code systems and laboratories tell of people here."""
