"""Predicts the segments of pictures, and draws them."""
