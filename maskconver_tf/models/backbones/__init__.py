"""Backbones: from uint8 images to features at levels 2..5."""
