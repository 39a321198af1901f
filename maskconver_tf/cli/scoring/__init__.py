"""Commands that say how good predictions are, and why."""
