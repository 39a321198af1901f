"""Chooses the settings of a first training from facts of the data and speed of the machine."""
