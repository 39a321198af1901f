"""The folder of a run: what is in it, who may write, and what survives a crash."""
