"""Computes some steps of an experiment on this machine."""
