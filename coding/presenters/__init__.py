"""How charge lines, holds and their reasons are shown; nothing is recomputed, saved rows are read."""
