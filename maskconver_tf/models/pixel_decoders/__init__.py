"""Pixel decoders: backbone features to a feature pyramid."""
