"""A proposal that another one beats everywhere in a patch is dropped; ties and crossings stay."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.postprocess.borders.logit_patches import logit_grid
from maskconver_tf.postprocess.borders.outclassed import drop_outclassed, numbered


def kept(masks, scores):
    """Proposals that stay in the one patch between 2 x 2 cells."""
    logits = np.moveaxis(np.asarray(masks, np.float32).reshape(-1, 2, 2), 0, -1)
    grid = logit_grid(tf.constant(logits), tf.constant([8, 8]))
    count = len(masks)
    patches, proposals = drop_outclassed(
        grid, tf.constant(scores), tf.fill([count], 4), tf.range(count)
    )
    assert (patches.numpy() == 4).all()
    return proposals.numpy().tolist()


STEEP = np.array([9.0, -9.0, 9.0, -9.0])


@pytest.mark.parametrize(
    ("masks", "scores", "stays"),
    [
        ([STEEP, STEEP - 1.0], [0.9, 0.8], [0]),  # lower in logit and in score
        ([STEEP, STEEP + 0.3], [0.9, 0.8], [0, 1]),  # the second leads where logits are low
        ([STEEP, STEEP + 0.05], [0.9, 0.8], [0]),  # exp(0.05) < 9 / 8
        ([STEEP + 5.0, STEEP], [0.5, 0.9], [0, 1]),  # a lead in logits only
        ([STEEP, STEEP], [0.5, 0.5], [0]),  # ties go to the first
        ([STEEP, STEEP], [0.5, 0.9], [1]),
        ([STEEP, -STEEP], [0.9, 0.8], [0, 1]),
        ([STEEP, STEEP - 1.0], [0.5, 0.0], [0]),
        ([[-95.0] * 4, [-96.0] * 4], [0.5, 0.4], [0, 1]),  # products near the end of float32
        ([STEEP], [0.5], [0]),
    ],
)
def test_who_stays(masks, scores, stays):
    assert kept(masks, scores) == stays


def test_no_dropped_proposal_wins_a_point_of_the_patch():
    rng = np.random.default_rng(0)
    y, x = np.meshgrid(np.linspace(0, 1, 33), np.linspace(0, 1, 33), indexing="ij")
    weights = np.stack([(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x])
    dropped = 0
    for _ in range(100):
        masks = rng.normal(scale=4, size=[1, 4]) + rng.normal(scale=0.5, size=[6, 4])
        scores = np.float32(np.sort(rng.uniform(0.1, 1, 6))[::-1])
        stay = kept(masks, scores)
        logits = np.tensordot(masks, weights, 1)
        winners = np.argmax(scores[:, None, None] / (1 + np.exp(-logits)), axis=0)
        assert set(winners.ravel()) <= set(stay)
        dropped += 6 - len(stay)
    assert dropped >= 100


def test_patches_are_numbered_in_order():
    assert numbered(tf.constant([3, 3, 7, 9, 9])).numpy().tolist() == [0, 0, 1, 2, 2]
    assert numbered(tf.zeros([0], tf.int32)).shape == [0]
