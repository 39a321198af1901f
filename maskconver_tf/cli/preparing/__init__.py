"""Commands before a training: data, models and settings."""
