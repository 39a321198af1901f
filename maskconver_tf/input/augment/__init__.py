"""Augmentation besides scaling and left-right flips: turns, warps, colors, noise, pasted segments.

All are functions of tensors and a seed, int32 `[2]`. They run in `tf.data` and keep no state.
"""
