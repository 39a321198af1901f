"""Counts one picture."""
