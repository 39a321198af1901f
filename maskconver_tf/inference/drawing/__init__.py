"""Draws predictions, truth and training inputs for people to look at."""
