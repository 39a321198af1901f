"""What all requests have in common: limits, tokens, ids, the log, metrics, connections."""
