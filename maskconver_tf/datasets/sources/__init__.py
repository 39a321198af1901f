"""Readers of pictures with panoptic truth: one file for each layout on disk."""
