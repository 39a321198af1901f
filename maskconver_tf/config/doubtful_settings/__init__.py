"""Finds settings that have no effect, and those that do not fit the dataset."""
