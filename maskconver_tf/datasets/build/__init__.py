"""Writes dataset folders."""
