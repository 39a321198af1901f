"""Training and evaluation runs."""
