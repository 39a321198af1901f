"""Checks, counts and previews before a run: datasets, models, memory and inputs."""
