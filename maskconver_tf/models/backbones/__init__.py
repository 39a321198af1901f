"""Backbones: uint8 image to features at levels 2..5."""
