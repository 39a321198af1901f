"""`flip_at_inference`: the mean of what the model sees in a picture and in its mirror image."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.maskconver import MaskConver
from tests.unit.layers.check_layer import assert_close, shake
from tests.unit.models import tiny_maskconver
from tests.unit.models.tiny_maskconver import CENTERS, center_cells, make_model

IMAGES = tiny_maskconver.IMAGES[:, :, :128]
LEVEL_SIZES = {3: (12, 16), 4: (6, 8), 5: (3, 4), 6: (2, 2), 7: (1, 1)}
MIRRORED = IMAGES[:, :, ::-1]
SETTINGS = [{}, {"position": True}, {"position": "two_axes", "mean_of_peak": True}]


def make_pair(**settings):
    """A model that does not flip, and one with the same weights that does."""
    plain = make_model(**settings)
    plain(IMAGES)
    shake(plain)
    flipping = make_model(**settings, flip_at_inference=True)
    flipping(IMAGES)
    assert [w.shape for w in flipping.weights] == [w.shape for w in plain.weights]
    flipping.set_weights(plain.get_weights())
    return plain, flipping


def masks_of(outputs):
    """Mask logits `[B, K, h, w]` of the proposals."""
    names = (types.MASK_EMBEDDINGS, types.MASK_FEATURES)
    return tf.einsum("bkd,bhwd->bkhw", *(outputs[name] for name in names)).numpy()


def test_heatmap_is_the_mean_of_both():
    plain, flipping = make_pair()
    ours, mirrored, joined = plain(IMAGES), plain(MIRRORED), flipping(IMAGES)
    name = types.CENTER_HEATMAP_LOGITS
    for level, logits in joined[name].items():
        assert_close(logits, (ours[name][level] + mirrored[name][level][:, :, ::-1]) / 2)


@pytest.mark.parametrize("settings", SETTINGS[:2])
def test_masks_are_the_mean_of_both(settings):
    plain, flipping = make_pair(**settings)
    found = flipping(IMAGES)
    levels, cells = center_cells(found)
    widths = np.vectorize(lambda level: np.int32(LEVEL_SIZES[level][1]))(levels)
    mirrored_cells = np.stack([cells[..., 0], widths - 1 - cells[..., 1]], axis=-1)
    logits = []
    for images, centers in ((IMAGES, cells), (MIRRORED, mirrored_cells)):
        labels = {
            types.CENTER_LEVELS: tf.constant(levels),
            types.CENTER_INDICES: tf.constant(centers),
            types.SLOT_CLASS_IDS: found[types.PROPOSAL_CLASS_IDS],
        }
        outputs = plain(images, centers=labels, training=False)
        logits.append(outputs[types.MASK_LOGITS].numpy())
    expected = (logits[0] + logits[1][:, :, ::-1]) / 2
    assert_close(masks_of(found), expected.transpose(0, 3, 1, 2), 2e-3)
    assert np.abs(logits[0] - expected).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_mirror_image_has_the_mirrored_prediction(settings):
    _, flipping = make_pair(**settings)
    found, mirrored = flipping(IMAGES), flipping(MIRRORED)
    for name in (types.PROPOSAL_SCORES, types.PROPOSAL_CLASS_IDS):
        np.testing.assert_allclose(found[name], mirrored[name], rtol=1e-5)
    there = mirrored[types.PROPOSAL_CENTERS].numpy()
    there[..., 1] = IMAGES.shape[2] - there[..., 1]
    np.testing.assert_array_equal(found[types.PROPOSAL_CENTERS], there)
    assert_close(masks_of(found), masks_of(mirrored)[..., ::-1], 1e-3)


def test_training_does_not_flip():
    plain, flipping = make_pair(position=True)
    for training in (True, False):
        first, second = (
            model(tiny_maskconver.IMAGES, centers=CENTERS, training=training)[types.MASK_LOGITS]
            for model in (plain, flipping)
        )
        np.testing.assert_array_equal(first, second)


def test_a_width_that_the_coarsest_cells_do_not_divide_is_refused():
    with pytest.raises(UserError, match="^MaskConver.flip_at_inference: .* 160 .* 128 pixels"):
        make_model(flip_at_inference=True)(tiny_maskconver.IMAGES)


def test_restores_the_setting_and_refuses_another_value():
    config = make_model(flip_at_inference=True).get_config()
    assert MaskConver.from_config(config).get_config()["flip_at_inference"] is True
    with pytest.raises(UserError, match="^MaskConver.flip_at_inference = 0.5 .*: expected True or"):
        make_model(flip_at_inference=0.5)
