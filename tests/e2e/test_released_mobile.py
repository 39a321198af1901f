"""The mobile model as released: XLA compiles it, and its export finds the same segments."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.config.named_models import build_model, find_models
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.export.saved_model import export_saved_model
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

CATEGORIES = Categories.from_coco(
    [{"id": 7 * i, "name": f"class {i}", "isthing": i % 2} for i in range(1, 5)], "here"
)
SIZE = (64, 96)
IMAGE = np.random.default_rng(0).integers(0, 256, [50, 96, 3], dtype=np.uint8)


@pytest.fixture(scope="module")
def make():
    """`make(jit_compile)`: a segmenter of one model. Its masks differ from pixel to pixel."""
    tf_keras.utils.set_random_seed(1)
    [released] = find_models(["mobilenet_mh_released"])
    model, _ = build_model(released, len(CATEGORIES))
    kernel = model.mask_embedding_generator.output_dense.kernel  # Its initial values are tiny.
    kernel.assign(np.random.default_rng(1).normal(0, 1e4, kernel.shape))
    fusion = PanopticFusion(score_threshold=0.0, overlap_threshold=0.0, min_area=1)
    return lambda jit_compile: PanopticSegmenter(model, fusion, CATEGORIES, SIZE, jit_compile)


def test_xla_compiles_it_for_inference(make):
    images = np.random.default_rng(1).integers(0, 256, [1, *SIZE, 3], dtype=np.uint8)
    found, expected = (make(jit_compile).propose(images) for jit_compile in (True, False))
    for name in PanopticFusion.fields:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-3, atol=2e-3)


def test_its_export_finds_the_same_segments(make, tmp_path):
    segmenter = make(jit_compile=False)
    loaded = tf.saved_model.load(str(export_saved_model(segmenter, str(tmp_path))))
    found = loaded.signatures[signatures.SEGMENT_IMAGE](image=tf.constant(IMAGE))
    expected = segmenter.segment(IMAGE)
    assert len(expected[types.SEGMENT_IDS]) > 1
    for field, name in signatures.FIELDS.items():
        np.testing.assert_allclose(found[name], expected[field], rtol=1e-4, err_msg=name)
