"""Rules as data: which plan concerns whom, its days, its care team, and how it is watched."""
