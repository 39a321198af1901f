"""Embeddings of a center's neighbors: one of them in training, their mean in inference."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.chosen_centers import mean_of_neighbors
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.ops.neighbor_cells import move_to_neighbors
from tests.unit.layers.check_layer import assert_close, shake
from tests.unit.models.tiny_maskconver import CENTERS, IMAGES, LEVEL_SIZES, center_cells, make_model

LABELS = CENTERS | {
    types.GAUSSIAN_RADII: tf.constant([[2, 1, 1, 0, 1, 0], [1, 2, 0, 0, 1, 3]]),
    types.STEP: tf.constant(3, tf.int64),
}


@pytest.fixture(scope="module")
def jittered():
    model = make_model(position=True, center_jitter=0.5)
    model(IMAGES)
    shake(model)
    return model


def twin_of(model, **settings):
    """Another model with the same weights."""
    twin = make_model(**settings)
    twin(IMAGES)
    assert [w.shape for w in twin.weights] == [w.shape for w in model.weights]
    twin.set_weights(model.get_weights())
    return twin


def masks(model, labels, training):
    return model(IMAGES, centers=labels, training=training)[types.MASK_LOGITS].numpy()


def moved(step, share=0.5):
    names = (types.CENTER_LEVELS, types.CENTER_INDICES, types.GAUSSIAN_RADII, types.SLOT_CLASS_IDS)
    cells = move_to_neighbors(*(LABELS[name] for name in names), LEVEL_SIZES, share, step)
    return LABELS | {types.CENTER_INDICES: cells, types.STEP: step}


def test_training_takes_embedding_and_window_at_a_neighbor(jittered):
    twin = twin_of(jittered, position=True)
    found = set()
    for step in range(4):
        step = tf.constant(step, tf.int64)
        actual = masks(jittered, LABELS | {types.STEP: step}, True)
        assert_close(actual, masks(twin, moved(step), True))
        assert np.abs(actual - masks(twin, LABELS, True)).max() > 1e-3 * np.abs(actual).max()
        found.add(actual.tobytes())
    assert len(found) == 4


def test_inference_and_evaluation_of_losses_take_the_center_itself(jittered):
    twin = twin_of(jittered, position=True)
    np.testing.assert_array_equal(masks(jittered, CENTERS, False), masks(twin, CENTERS, False))
    names = (types.MASK_EMBEDDINGS, types.PROPOSAL_CENTERS)
    for name in names:
        np.testing.assert_array_equal(jittered(IMAGES)[name], twin(IMAGES)[name])


def test_the_mean_of_a_literal_map_leaves_out_what_is_off_the_grid():
    cells = tf.constant([[1.0, 2, 3], [4, 5, 6]])[tf.newaxis, ..., tf.newaxis]
    means = mean_of_neighbors({3: cells, 4: cells[:, :1, :1]})
    assert means[3][0, ..., 0].numpy().tolist() == [[3, 3.5, 4], [3, 3.5, 4]]
    assert means[4].numpy().item() == 1


def test_inference_takes_the_mean_around_a_peak_and_training_does_not():
    plain = make_model(position=True)
    plain(IMAGES)
    shake(plain)
    mean = twin_of(plain, position=True, mean_of_peak=True)
    np.testing.assert_array_equal(masks(plain, CENTERS, True), masks(mean, CENTERS, True))
    expected, found = plain(IMAGES), mean(IMAGES)
    same = (types.PROPOSAL_SCORES, types.PROPOSAL_CLASS_IDS, types.PROPOSAL_CENTERS)
    for name in (*same, types.MASK_FEATURES):
        np.testing.assert_array_equal(found[name], expected[name])
    levels = plain.pyramid(plain.pixel_decoder(plain.backbone(IMAGES)))
    around = np.zeros([2, 24, 8], np.float32)
    embeddings = {k: plain.center_embedding_head(x, level=k).numpy() for k, x in levels.items()}
    center_levels, cells = center_cells(found)
    for picture, slot in np.ndindex(2, 24):
        y, x = cells[picture, slot]
        near = embeddings[center_levels[picture, slot]][
            picture, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2
        ]
        around[picture, slot] = near.mean((0, 1))
    generated, _ = plain.mask_embedding_generator(around, found[types.PROPOSAL_CLASS_IDS])
    assert_close(found[types.MASK_EMBEDDINGS][..., :8], generated)
    assert not np.allclose(expected[types.MASK_EMBEDDINGS][..., :8], generated, rtol=1e-2)


def test_restores_both_settings():
    config = make_model(center_jitter=0.25, mean_of_peak=True).get_config()
    restored = MaskConver.from_config(config).get_config()
    assert (restored["center_jitter"], restored["mean_of_peak"]) == (0.25, True)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("center_jitter", 1.5, r"1.5 \(.*\): expected a number from 0 to 1"),
        ("center_jitter", -0.1, r"-0.1 \(.*\): expected a number from 0 to 1"),
        ("center_jitter", True, r"True \(.*\): expected a number from 0 to 1"),
        ("center_jitter", "0.5", r"'0.5' \(text\): expected a number from 0 to 1; write .* = 0.5"),
        ("mean_of_peak", 1.0, r"1.0 \(.*\): expected True or False; write .* = True"),
        ("mean_of_peak", None, "None: expected True or False"),
    ],
)
def test_another_value_is_refused(name, value, expected):
    with pytest.raises(UserError, match=f"^MaskConver.{name} = {expected}"):
        make_model(**{name: value})
