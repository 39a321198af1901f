"""Pure tensor functions, without weights, files or Keras."""
