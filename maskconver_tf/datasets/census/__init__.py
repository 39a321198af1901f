"""Measures the pictures of a dataset, and adds the measures up."""
