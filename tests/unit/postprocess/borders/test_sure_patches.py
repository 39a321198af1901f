"""Patches with one winner, with several, and with none."""

import numpy as np
import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import logit_grid
from maskconver_tf.postprocess.borders.sure_patches import CONTESTED, NOBODY, sure_patches


def judged(masks, scores, size):
    logits = np.moveaxis(np.asarray(masks, np.float32), 0, -1)
    return sure_patches(logit_grid(tf.constant(logits), tf.constant(size)), tf.constant(scores))


def test_only_patches_between_different_winners_are_contested():
    # Two masks meet between the second and the third of four columns; a third is weak.
    masks = [[[9.0, 9.0, -9.0, -9.0]], [[-9.0, -9.0, 9.0, 9.0]], [[-9.0] * 4]]
    owners, patches, proposals = judged(masks, [0.9, 0.8, 0.7], (4, 16))
    assert owners.numpy().reshape(2, 5).tolist() == [[0, 0, CONTESTED, 1, 1]] * 2
    assert patches.numpy().tolist() == [2, 2, 7, 7]
    assert proposals.numpy().tolist() == [0, 1, 0, 1]


def test_silent_patches_and_patches_without_pixels_belong_to_nobody():
    owners, patches, _ = judged([[[-200.0, -200.0]], [[-150.0, -150.0]]], [0.9, 0.8], (2, 4))
    assert (owners.numpy() == NOBODY).all()
    assert len(patches) == 0
    # One pixel over five cells lies in one patch only: at the center of cell 2.
    owners, _, _ = judged([[[5.0] * 5]], [0.9], (1, 1))
    assert np.count_nonzero(owners.numpy() == 0) == 1
