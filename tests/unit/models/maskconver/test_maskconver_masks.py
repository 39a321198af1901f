"""Proposals and masks of MaskConver against slow computations of the same."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from tests.unit.layers.check_layer import assert_close
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, apply, make_model


@pytest.fixture(scope="module")
def found(model):
    return model(IMAGES)


def test_masks_are_of_exactly_the_given_centers(model):
    levels = model.pyramid(model.pixel_decoder(model.backbone(IMAGES)))
    embeddings = {k: model.center_embedding_head(levels[k], level=k).numpy() for k in levels}
    gathered = np.zeros([2, 6, 8], np.float32)
    for picture in range(2):
        for slot, level in enumerate(CENTERS[types.CENTER_LEVELS][picture].numpy()):
            y, x = CENTERS[types.CENTER_INDICES][picture, slot].numpy()
            if level >= 0:
                gathered[picture, slot] = embeddings[level][picture, y, x]
    class_ids = CENTERS[types.SLOT_CLASS_IDS]
    mask_embeddings = model.mask_embedding_generator(gathered, class_ids).numpy()
    summed = 0
    for level, features in levels.items():
        scale = 2 ** (level - 2)
        summed += features.numpy().repeat(scale, axis=1).repeat(scale, axis=2)[:, :24, :40]
    mask_features = model.mask_feature_head(summed, level=2).numpy()

    mask_logits = apply(model, (IMAGES, CENTERS), False)[types.MASK_LOGITS].numpy()
    scale = np.abs(mask_logits).max()
    present = 0
    for picture, slot in zip(*np.nonzero(class_ids.numpy() >= 0)):
        expected = mask_features[picture] @ mask_embeddings[picture, slot]
        np.testing.assert_allclose(mask_logits[picture, ..., slot], expected, atol=1e-5 * scale)
        present += 1
    assert present == 10
    assert np.isfinite(mask_logits).all()


def test_proposals_are_the_highest_true_local_maxima(found):
    logits = {k: x.numpy() for k, x in found[types.CENTER_HEATMAP_LOGITS].items()}
    for picture in range(2):
        peaks = _local_maxima({k: x[picture] for k, x in logits.items()})
        assert len(peaks) > 24
        scores = [score for score, *_ in peaks[:24]]
        classes = [class_id for *_, class_id in peaks[:24]]
        middles = [[(y + 0.5) * 2**k, (x + 0.5) * 2**k] for _, k, y, x, _ in peaks[:24]]
        np.testing.assert_allclose(found[types.PROPOSAL_SCORES][picture], scores, atol=1e-6)
        assert found[types.PROPOSAL_CLASS_IDS][picture].numpy().tolist() == classes
        assert found[types.PROPOSAL_CENTERS][picture].numpy().tolist() == middles


def test_proposals_get_the_masks_that_their_centers_get_when_given(model, found):
    centers = {key: [] for key in CENTERS}
    for picture in range(2):
        logits = {k: x[picture].numpy() for k, x in found[types.CENTER_HEATMAP_LOGITS].items()}
        _, levels, ys, xs, class_ids = zip(*_local_maxima(logits)[:24])
        centers[types.CENTER_LEVELS].append(levels)
        centers[types.CENTER_INDICES].append(list(zip(ys, xs)))
        centers[types.SLOT_CLASS_IDS].append(class_ids)
    centers = {key: tf.constant(np.array(value, np.int32)) for key, value in centers.items()}
    given = model(IMAGES, centers=centers)
    products = np.einsum("bhwd,bkd->bhwk", found[types.MASK_FEATURES], found[types.MASK_EMBEDDINGS])
    assert_close(given[types.MASK_LOGITS], products)


def test_fewer_candidates_than_proposals_leave_the_last_with_score_zero(model, monkeypatch):
    monkeypatch.setattr(model, "num_proposals", 80)  # Of 16 + 4 + 1 + 1 + 1 cells of 3 classes.
    outputs = model(IMAGES[:, :32, :32])
    scores = outputs[types.PROPOSAL_SCORES].numpy()
    assert scores.shape == (2, 80)
    assert (np.diff(scores) <= 0).all()
    assert (scores[:, 0] > 0).all()
    assert (scores[:, -1] == 0).all()
    assert np.isfinite(outputs[types.MASK_EMBEDDINGS]).all()


@pytest.mark.parametrize(
    ("class_embedding", "differ"), [("add", True), ("multiply", True), ("none", False)]
)
def test_a_ring_and_the_ball_in_it_get_two_masks_by_their_classes(class_embedding, differ):
    model = make_model(class_embedding=class_embedding)
    centers = {
        types.CENTER_LEVELS: tf.constant([[4, 4]]),
        types.CENTER_INDICES: tf.constant([[[2, 3], [2, 3]]]),
        types.SLOT_CLASS_IDS: tf.constant([[0, 2]]),
    }
    ring, ball = np.moveaxis(model(IMAGES[:1], centers=centers)[types.MASK_LOGITS][0], -1, 0)
    # The table starts small: untrained, classes differ by some percent, and without it by nothing.
    assert (np.abs(ring - ball).max() > 0.01 * np.abs(ring).max()) == differ
    if not differ:
        np.testing.assert_array_equal(ring, ball)


def test_empty_slots_and_their_order_change_no_mask(model):
    expected = apply(model, (IMAGES, CENTERS), False)[types.MASK_LOGITS]
    order = [5, 3, 1, 0, 2, 4]
    reordered = {key: tf.gather(x, order, axis=1) for key, x in CENTERS.items()}
    masks = apply(model, (IMAGES, reordered), False)[types.MASK_LOGITS]
    assert_close(masks, tf.gather(expected, order, axis=-1))


def _local_maxima(logits):
    """(score, level, y, x, class), highest first, where no cell of the 3x3 round it is higher."""
    peaks = []
    for level, x in logits.items():
        height, width, num_classes = x.shape
        for row, column, class_id in np.ndindex(height, width, num_classes):
            near = x[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2, class_id]
            value = float(x[row, column, class_id])
            if value >= near.max():
                score = 1 / (1 + np.exp(-value))
                peaks.append((score, level, row, column, class_id))
    return sorted(peaks, reverse=True)
