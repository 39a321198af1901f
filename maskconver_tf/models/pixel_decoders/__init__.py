"""Pixel decoders: from backbone features to a feature pyramid."""
