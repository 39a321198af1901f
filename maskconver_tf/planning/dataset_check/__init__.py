"""Checks a dataset: its contents, its problems, and the PQ of a perfect model on it."""
