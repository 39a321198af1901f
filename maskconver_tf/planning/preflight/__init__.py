"""Counts what a training needs before it starts, and asks a TPU's compiler whether it fits."""
