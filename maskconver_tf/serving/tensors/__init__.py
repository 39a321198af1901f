"""Tensors in requests and answers: as JSON, and as bytes."""
