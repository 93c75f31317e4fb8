"""Rules as data: who must serve a quarantined person, and how their temperature is taken."""
