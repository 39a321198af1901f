"""From records to batches, in `tf.data`."""
