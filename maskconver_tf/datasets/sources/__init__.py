"""Where pictures with panoptic truth come from: one file for each layout on disk."""
