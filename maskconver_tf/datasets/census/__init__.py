"""Measures of pictures, and what they add up to."""
