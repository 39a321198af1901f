"""Gin: reading, names, and bindings that changed nothing."""
