"""Proves a dataset folder: its records hold what the source gives, no more and no less."""
