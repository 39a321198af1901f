"""Gin: reads .gin files, calls functions with them, and finds bindings that change nothing."""
