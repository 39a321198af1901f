"""Dataset folders and their TFRecords."""
