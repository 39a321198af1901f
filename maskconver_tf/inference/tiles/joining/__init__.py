"""Joins what windows have found to the segments of the picture."""
