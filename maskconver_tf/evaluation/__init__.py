"""Compares predictions with truth."""
