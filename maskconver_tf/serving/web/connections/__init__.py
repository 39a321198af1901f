"""Connections of clients: their limits, and their ends."""
