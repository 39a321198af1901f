"""Scores anyone's panoptic predictions from files, on all cores and without TensorFlow."""
