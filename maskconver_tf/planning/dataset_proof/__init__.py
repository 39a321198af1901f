"""Compares built dataset folders with their sources, and reports every difference."""
