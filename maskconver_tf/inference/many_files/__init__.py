"""Many pictures into one folder: which ones, which are done, and in what order work overlaps."""
