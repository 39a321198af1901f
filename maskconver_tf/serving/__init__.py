"""A server for exports on a laptop, and clients for it and for TensorFlow Serving."""
