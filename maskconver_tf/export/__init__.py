"""Writes trained models in forms that run without this package."""
