"""Evaluators score a network on a dataset, one class for each task."""
