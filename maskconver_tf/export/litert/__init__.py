"""Writes LiteRT files for phones: the whole model, or only its heads, in four precisions."""
