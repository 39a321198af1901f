"""What training does to its examples besides scaling: colors, pasted segments.

Everything is a function of tensors and a seed `[2]`, runs in `tf.data`, and keeps no state.
"""
