"""The folder of a run: its content, its lock, and its checkpoints, which survive a crash."""
