"""Makes batches from records, in `tf.data`."""
