"""The score threshold of the export that tests share: low, so that it finds much."""

THRESHOLD = 0.02
