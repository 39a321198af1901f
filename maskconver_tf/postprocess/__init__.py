"""Turns model outputs into panoptic maps and class maps."""
