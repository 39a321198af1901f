"""Sizes and costs of named models, built from Gin files, against the paper's (docs/model_zoo.md).

All are counted as the paper counts: 201 output classes, COCO's raw category ids.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.config.named_models import build_model, find_models, named_models
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN
from maskconver_tf.planning.complexity import Complexity, count_complexity
from maskconver_tf.planning.model_table import CountedModel
from maskconver_tf.planning.model_zoo import (
    COCO_CLASSES,
    PUBLISHED,
    PUBLISHED_CLASSES,
    format_page_row,
    published_cell,
    published_cost,
)

ZOO = Path(__file__).parents[2] / "docs" / "model_zoo.md"

PUBLISHED_PARTS = {
    "backbone": 23.56e6,
    "pixel_decoder": 31.64e6,
    "pyramid": 0.90e6,
    "heads": 1.17e6,
    "generator": 0.53e6,
    "class_embedding_table": 0.05e6,
}
"""Number of all weights, with the statistics of the backbone's batch norms. All norms after the
backbone are layer norms, which have no statistics."""

TABLE = PUBLISHED_CLASSES * 256


@functools.cache
def network(name: str, num_classes: int, *bindings: str):
    """Builds a named model, once because it takes seconds; returns it with its input size."""
    [model] = find_models([name])
    return build_model(model, num_classes, bindings)


def count(name: str, num_classes: int, *bindings: str, size: tuple[int, int] | None = None):
    model, input_size = network(name, num_classes, *bindings)
    [file] = find_models([name])
    counted = count_complexity(model, size or input_size)
    return CountedModel(file.name, file.gin_file, file.description, num_classes, counted)


@pytest.fixture(scope="module")
def large():
    return count("resnet50", PUBLISHED_CLASSES)


def published_parts(found: Complexity) -> dict[str, int]:
    """Weights of each part, in the parts of the published count."""
    heads = ("center_heatmap_head", "center_embedding_head", "mask_feature_head")
    parts = {name: n for name, n in found.parameters.items() if name not in heads}
    parts["generator"] = parts.pop("mask_embedding_generator") - TABLE
    parts["heads"] = sum(found.parameters[name] for name in heads)
    return parts | {"class_embedding_table": TABLE}


def test_every_part_of_the_large_model_has_the_published_size(large):
    parts = published_parts(large.complexity)
    assert parts.keys() == PUBLISHED_PARTS.keys()
    for name, published in PUBLISHED_PARTS.items():
        assert parts[name] == pytest.approx(published, abs=0.005e6 + 1), name
    assert large.complexity.num_parameters == pytest.approx(57.85e6, abs=0.005e6)


def test_the_large_model_costs_the_published_multiply_adds(large):
    assert published_cost(large, PUBLISHED[0]) == pytest.approx(170.5e9, rel=0.001)


def test_with_coco_s_classes_the_large_model_is_smaller_by_what_classes_take(large):
    """Checks the figures for 133 classes on the page without building that model."""
    fewer = PUBLISHED_CLASSES - COCO_CLASSES
    parameters = large.complexity.num_parameters - fewer * (256 + 1) - fewer * 256
    cells = sum(-(-800 // 2**k) * -(-1216 // 2**k) for k in (3, 4, 5, 6, 7))
    multiply_adds = large.complexity.multiply_adds - fewer * 256 * cells
    row = next(line for line in ZOO.read_text().splitlines() if line.startswith("| [resnet50]"))
    assert f"| {parameters / 1e6:.2f}M |" in row
    assert f"| {multiply_adds / 1e9:.1f}G |" in row
    assert (round(parameters / 1e6, 2), round(multiply_adds / 1e9, 1)) == (57.82, 172.4)


@pytest.mark.parametrize("num_classes", [PUBLISHED_CLASSES, COCO_CLASSES])
def test_the_mobile_model_stays_within_the_published_size_and_costs(num_classes):
    wide = count("mobilenet_mh_640", num_classes).complexity
    small = count("mobilenet_mh_640", num_classes, size=(256, 256)).complexity
    assert wide.input_size == (640, 640)
    assert wide.parameters == small.parameters
    assert 3.0e6 < wide.num_parameters <= 3.5e6
    # Sized for it: within a few percent of what it may cost, not merely below.
    assert 9.4e9 < wide.multiply_adds <= 9.8e9
    assert 1.51e9 < small.multiply_adds <= 1.54e9


def test_the_mobile_model_for_256_pixels_differs_by_one_line():
    gin_file = "experiments/model/mobilenet_mh_256.gin"
    lines = (ZOO.parents[1] / gin_file).read_text().splitlines()
    settings = [line for line in lines if line and not line.startswith(("#", "include"))]
    assert settings == ["INPUT_SIZE = (256, 256)"]


@pytest.mark.parametrize(
    ("kernel_size", "at_640", "at_256", "trained", "every"),
    [(3, 9.53e9, 1.54e9, 3.38e6, 3.42e6), (7, 9.92e9, 1.61e9, 3.44e6, 3.48e6)],
)
def test_the_released_mobile_form_costs_what_the_paper_s_row_counts(
    kernel_size, at_640, at_256, trained, every
):
    """The cost includes the masks of all 50 proposals, which the authors' model makes."""
    setting = f"MaskConver.head_kernel_size={kernel_size}"
    for size, published in (((640, 640), at_640), ((256, 256), at_256)):
        found = count("mobilenet_mh_released", PUBLISHED_CLASSES, setting, size=size).complexity
        cost = found.multiply_adds + found.mask_product
        assert cost == pytest.approx(published, abs=0.005e9)
    assert found.num_trainable_parameters == pytest.approx(trained, abs=0.005e6)
    assert found.num_parameters == pytest.approx(every, abs=0.005e6)


def test_panoptic_deeplab_has_the_published_size_and_cost():
    """3.9M parameters and 13.9G multiply-adds at 640 pixels in the MaskConver paper's table."""
    found = count("panoptic_deeplab_mobilenet_mh_640", PUBLISHED_CLASSES).complexity
    assert found.input_size == (640, 640)
    assert found.num_parameters == pytest.approx(3.9e6, abs=0.05e6)
    assert found.multiply_adds == pytest.approx(13.9e9, abs=0.05e9)
    assert found.mask_product == 0


def test_panoptic_deeplab_for_small_pictures_is_as_large_as_ours():
    ours, other = (count(name, 12).complexity for name in ("small", "panoptic_deeplab_small"))
    assert other.input_size == ours.input_size
    assert 1 <= other.num_parameters / ours.num_parameters < 1.2
    assert 1 <= other.multiply_adds / ours.multiply_adds < 1.15


@pytest.mark.parametrize("name", ["mobilenet_mh_640", "mobilenet_mh_released"])
def test_a_named_model_restores_from_its_configuration(name):
    model, _ = network(name, PUBLISHED_CLASSES)
    stored = json.loads(json.dumps(tf_keras.utils.serialize_keras_object(model)))
    restored = tf_keras.utils.deserialize_keras_object(stored)
    images = tf.cast(
        tf.random.stateless_uniform([1, 64, 96, 3], [1, 2], 0, 256, tf.int32), tf.uint8
    )
    restored(images)
    assert [w.shape for w in restored.weights] == [w.shape for w in model.weights]
    restored.set_weights(model.get_weights())
    expected, found = model(images), restored(images)
    np.testing.assert_allclose(
        found[types.MASK_FEATURES], expected[types.MASK_FEATURES], rtol=1e-4, atol=1e-5
    )
    scores = types.PROPOSAL_SCORES
    np.testing.assert_allclose(found[scores], expected[scores], rtol=1e-4, atol=1e-6)


def test_batch_norms_instead_add_statistics_and_no_more():
    """With batch norms the trained weights have the published number, and all weights have more."""
    pyramid = {level: tf.zeros([1, 1, 1, 384]) for level in (3, 4, 5)}
    for norm, weights in (("layer", "weights"), ("batch", "trainable_weights")):
        fpn = LightFPN(norm=norm)
        fpn(pyramid)
        assert sum(math.prod(w.shape) for w in getattr(fpn, weights)) == 904_832


# ---- The page ------------------------------------------------------------------------------------
def test_the_page_lists_every_model_and_no_other():
    lines = ZOO.read_text().splitlines()
    rows = [line for line in lines if line.startswith("| [")]
    assert [row[3:].partition("]")[0] for row in rows] == [m.name for m in named_models()]


@pytest.mark.parametrize("name", ["tiny", "mobilenet_mh_640"])
def test_a_row_of_the_page_says_what_is_counted(name):
    assert format_page_row(count(name, COCO_CLASSES)) in ZOO.read_text()


def test_the_published_large_model_stands_beside_ours_on_the_page(large):
    cell = published_cell(large, PUBLISHED[0])
    assert cell == "57.85M (57.80M trained), 170.5G"
    assert f"| 57.85M, 170.5G | {cell} |" in ZOO.read_text()
