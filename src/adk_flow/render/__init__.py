"""Moves and figures as something to look at."""
