"""From a dataset on disk to batches of compact labels."""
