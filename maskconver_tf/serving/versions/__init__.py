"""Versions of an export: loads new ones beside the old, warms them up and swaps them."""
