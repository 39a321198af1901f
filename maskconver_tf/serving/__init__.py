"""Clients and settings of a model server."""
