"""Predicts large pictures in windows and joins what belongs together."""
