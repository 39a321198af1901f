"""Runs the LiteRT files of an export."""
