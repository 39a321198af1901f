"""Finds settings to doubt before a run: those without effect, and those that do not fit the data."""
