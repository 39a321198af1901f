"""Chooses the thresholds of a run on labelled pictures, from one pass of the network."""
