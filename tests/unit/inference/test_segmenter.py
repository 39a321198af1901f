"""The segmenter's settings change how proposals are computed, but not the proposals."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.recalibration import Curve, Recalibration
from maskconver_tf.inference.segmenter import PanopticSegmenter, take_outputs
from maskconver_tf.losses.panoptic_deeplab_loss import PanopticDeepLabLoss
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.postprocess.grouping.panoptic_grouping import PanopticGrouping
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.layers.check_layer import precision, shake

CATEGORIES = Categories.from_coco(
    [{"id": 90, "name": "pré", "isthing": 0}, {"id": 3, "name": "chat", "isthing": 1}], "here"
)
SIZE = (32, 64)
IMAGE = np.random.default_rng(0).integers(0, 256, [*SIZE, 3], dtype=np.uint8)


def make_segmenter(jit_compile: bool = False) -> PanopticSegmenter:
    """The same weights each time."""
    tf_keras.utils.set_random_seed(2)
    model = MaskConver(
        2,
        resnet(10, width_multiplier=1 / 16),
        ConvNeXtUNet([1, 1, 1], [8, 8, 8], 3),
        center_levels=(3, 4, 5),
        width=8,
        hidden=16,
        head_repeats=1,
        head_kernel_size=3,
        num_proposals=6,
    )
    shake(build_network(model, SIZE))
    return PanopticSegmenter(model, PanopticFusion(min_area=1), CATEGORIES, SIZE, jit_compile)


@pytest.fixture(scope="module")
def plain():
    return make_segmenter()


def is_compiled(segmenter: PanopticSegmenter) -> bool:
    function = segmenter.propose.get_concrete_function()
    return function.function_def.attr["_XlaMustCompile"].b


def test_compiled_proposals_are_the_same(plain):
    compiled = make_segmenter(jit_compile=True)
    assert is_compiled(compiled) and not is_compiled(plain)
    found, expected = compiled.propose(IMAGE[np.newaxis]), plain.propose(IMAGE[np.newaxis])
    assert set(found) == set(PanopticFusion.fields)
    for name in PanopticFusion.fields:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-3)
    segments = compiled.segment(IMAGE)
    np.testing.assert_array_equal(
        segments[types.PANOPTIC_MAP], plain.segment(IMAGE)[types.PANOPTIC_MAP]
    )


def test_bfloat16_proposals_are_float32_and_close(plain):
    with precision("mixed_bfloat16"):
        low = make_segmenter()
    low.model.set_weights(plain.model.get_weights())
    found, expected = low.propose(IMAGE[np.newaxis]), plain.propose(IMAGE[np.newaxis])
    for name in (types.PROPOSAL_SCORES, types.MASK_EMBEDDINGS, types.MASK_FEATURES):
        assert found[name].dtype == tf.float32
    scores = expected[types.PROPOSAL_SCORES].numpy()
    np.testing.assert_allclose(found[types.PROPOSAL_SCORES], scores, atol=0.02)
    error = found[types.MASK_FEATURES] - expected[types.MASK_FEATURES]
    assert np.std(error) <= 0.03 * np.std(expected[types.MASK_FEATURES])


# ---- Outputs -------------------------------------------------------------------------------------
def test_a_taker_gets_the_outputs_that_it_names_and_no_others(plain):
    outputs = {name: tf.zeros([]) for name in (*PanopticGrouping.fields, types.CLASS_LOGITS)}
    taken = take_outputs(outputs, plain.model, PanopticGrouping())
    assert tuple(taken) == PanopticGrouping.fields


@pytest.mark.parametrize("taker", [PanopticGrouping(), PanopticDeepLabLoss()])
def test_a_taker_of_other_outputs_than_the_model_gives_is_refused(plain, taker):
    outputs = dict.fromkeys(PanopticFusion.fields)
    with pytest.raises(UserError) as error:
        take_outputs(outputs, plain.model, taker)
    message = str(error.value)
    assert message.startswith(f"{type(taker).__name__} takes semantic_logits, center_scores")
    assert "MaskConver gives proposal_scores" in message


class _TwoSegments:
    """A fusion that finds a stuff segment and a thing, and notes its thresholds."""

    fields = PanopticFusion.fields
    thresholds = ()

    def __call__(self, outputs, content_size, image_size, is_thing, stride, thresholds=None):
        self.thresholds = (*self.thresholds, thresholds)
        return {
            types.PANOPTIC_MAP: tf.constant([[1, 2]]),
            types.SEGMENT_SCORES: tf.constant([0.5, 0.25]),
            types.SEGMENT_CLASS_IDS: tf.constant([0, 1]),
        }


def test_recalibration_changes_scores_and_nothing_else(plain):
    curves = Recalibration({"chat": Curve((0.0, 1.0), (1.0, 1.0))}, Curve((0.0, 1.0), (0.1, 0.3)))
    fusion, sizes = _TwoSegments(), (tf.constant([32, 64]),) * 2
    arguments = plain.model, fusion, CATEGORIES, SIZE, False
    before = PanopticSegmenter(*arguments).fuse_one({}, *sizes)
    given = {"score_threshold": tf.constant([0.5])}
    found = PanopticSegmenter(*arguments, curves).fuse_one({}, *sizes, given)
    assert fusion.thresholds == (None, given)
    np.testing.assert_allclose(before[types.SEGMENT_SCORES], [0.5, 0.25])
    np.testing.assert_allclose(found[types.SEGMENT_SCORES], [0.2, 1.0], atol=1e-6)
    for name in (types.PANOPTIC_MAP, types.SEGMENT_CLASS_IDS):
        np.testing.assert_array_equal(found[name], before[name])
