"""Trainings that a command plans itself: it overrides settings of the user's configuration."""
