"""Losses: pure functions and one weighted sum."""
