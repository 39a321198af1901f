"""The parts of an export for TensorFlow Serving: its signatures, and the files beside the graph."""
