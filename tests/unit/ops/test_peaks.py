"""Peaks of center heatmaps: literal answers."""

import numpy as np
import tensorflow as tf

from maskconver_tf.ops.peaks import suppress_non_peaks, top_k_centers


def _logits(*channels):
    """Logits `[1, H, W, C]` of literal scores, one grid a class."""
    scores = np.clip(np.stack(channels, -1)[np.newaxis].astype(np.float32), 1e-6, 1 - 1e-6)
    return tf.constant(np.log(scores / (1 - scores)))


def test_only_the_maximum_of_its_neighborhood_stays():
    scores = [
        [0.1, 0.2, 0.3, 0.0],
        [0.2, 0.9, 0.2, 0.0],
        [0.1, 0.8, 0.1, 0.4],
        [0.7, 0.1, 0.1, 0.3],
    ]
    peaks = np.zeros([4, 4], np.float32)
    # 0.3 and 0.8 touch 0.9; 0.7 touches 0.8, though 0.8 itself is no peak.
    peaks[1, 1], peaks[2, 3] = 0.9, 0.4
    found = suppress_non_peaks(tf.constant(scores)[tf.newaxis, :, :, tf.newaxis])
    np.testing.assert_array_equal(found[0, :, :, 0], peaks)


def test_classes_do_not_suppress_each_other():
    scores = tf.constant([0.9, 0.1, 0.2, 0.8], shape=[1, 1, 2, 2])
    np.testing.assert_allclose(tf.squeeze(suppress_non_peaks(scores)), [[0.9, 0], [0, 0.8]])


def test_equal_neighbors_all_stay():
    np.testing.assert_array_equal(
        suppress_non_peaks(tf.fill([1, 2, 2, 1], 0.5)), tf.fill([1, 2, 2, 1], 0.5)
    )


def test_best_peaks_over_levels_cells_and_classes():
    fine = _logits([[0.9, 0.1, 0.1], [0.1, 0.1, 0.1], [0.1, 0.1, 0.6]], np.full([3, 3], 0.05))
    coarse = _logits([[0.05, 0.04]], [[0.3, 0.8]])
    found = top_k_centers({4: coarse, 3: fine}, 3)
    np.testing.assert_allclose(found["scores"], [[0.9, 0.8, 0.6]], rtol=1e-5)
    assert found["class_ids"].numpy().tolist() == [[0, 1, 0]]
    # Level 3 has cells 0..8, level 4 cells 9 and 10.
    assert found["flat_indices"].numpy().tolist() == [[0, 10, 8]]
    assert [found[name].dtype for name in ("scores", "class_ids", "flat_indices")] == [
        tf.float32,
        tf.int32,
        tf.int32,
    ]


def test_two_classes_may_share_a_center():
    found = top_k_centers({3: _logits([[0.7, 0.1]], [[0.6, 0.1]])}, 2)
    assert found["flat_indices"].numpy().tolist() == [[0, 0]]
    assert found["class_ids"].numpy().tolist() == [[0, 1]]


def test_pictures_are_ranked_apart():
    scores = tf.concat([_logits([[0.9, 0.1, 0.8]]), _logits([[0.1, 0.3, 0.1]])], axis=0)
    found = top_k_centers({3: scores}, 2)
    np.testing.assert_allclose(found["scores"], [[0.9, 0.8], [0.3, 0.0]], rtol=1e-5)
    assert found["flat_indices"][:, 0].numpy().tolist() == [0, 1]


def test_fewer_cells_than_proposals():
    found = top_k_centers({3: _logits([[0.9]]), 4: _logits([[0.2]])}, 5)
    np.testing.assert_allclose(found["scores"], [[0.9, 0.2, 0, 0, 0]], rtol=1e-5)
    assert found["class_ids"].shape == found["flat_indices"].shape == [1, 5]
