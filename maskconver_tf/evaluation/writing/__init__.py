"""Writes predictions into the files that other programs read."""
