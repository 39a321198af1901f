"""Joins pictures of several requests to one batch for the model."""
