"""Fits the length of a training to a number of minutes."""
