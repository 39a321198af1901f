"""Predictions and truth as pictures for people."""
