"""Looks at the pictures of a dataset: how many segments they have, how large and how close."""
