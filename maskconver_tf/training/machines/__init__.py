"""Devices, processes and hosts of a run, and how they are asked to stop."""
