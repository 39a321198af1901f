"""One picture in, segments out."""
