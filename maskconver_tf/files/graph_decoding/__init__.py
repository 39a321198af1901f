"""Decodes pictures inside a TensorFlow graph: records of a training, and any file on a server."""
