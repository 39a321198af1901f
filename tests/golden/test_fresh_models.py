"""Models before any training: the first weights are the published ones, and nothing starts too
large or too small to learn from.

`pytest -s tests/golden/test_fresh_models.py` prints the scale of every named output.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.config.named_models import build_model, find_models
from maskconver_tf.models.variable_names import named_variables

SIZE = (128, 192)
PRIORS = {
    "resnet50": 0.1,
    "mobilenet_mh_640": 0.1,
    "mobilenet_mh_released": 0.1,
    "small": 0.01,
}
"""Model -> score of every heatmap cell before training."""
HEADS = ("center_heatmap_head", "center_embedding_head", "mask_feature_head")
TRUNCATED = 0.87962566
"""Standard deviation of a normal distribution that is cut at two standard deviations."""


@pytest.fixture(scope="module", params=PRIORS)
def fresh(request):
    """Name, model and weights by name. Position is off: its windows are not undecided."""
    tf_keras.utils.set_random_seed(0)
    [file] = find_models([request.param])
    model, _ = build_model(file, 5, ("MaskConver.position=False",))
    model(tf.zeros([1, *SIZE, 3], tf.uint8))
    return request.param, model, {n: v.numpy() for n, v in named_variables(model).items()}


# ---- First weights -------------------------------------------------------------------------------
def matching(weights: dict[str, np.ndarray], pattern: str) -> dict[str, np.ndarray]:
    return {name: w for name, w in weights.items() if re.fullmatch(pattern, name)}


def assert_deviation(name: str, weight: np.ndarray, expected: float) -> None:
    """The standard deviation is `expected`, up to five standard errors, and the mean is 0."""
    error = 5 / math.sqrt(2 * weight.size)
    assert weight.std() == pytest.approx(expected, rel=max(error, 0.01)), name
    assert abs(weight.mean()) < 5 * expected / math.sqrt(weight.size), name


def assert_truncated_normal(name: str, weight: np.ndarray, stddev: float) -> None:
    assert_deviation(name, weight, TRUNCATED * stddev)
    assert np.abs(weight).max() <= 2 * stddev, name


def test_the_decoder_starts_as_convnext_does(fresh):
    name, _, weights = fresh
    kernels = matching(weights, r"pixel_decoder/(stacks|laterals|climbs)/.*kernel")
    if name == "mobilenet_mh_released":  # It has no ConvNeXt-UNet.
        assert not kernels
        return
    kinds = {re.sub(r".*/(stacks|laterals|climbs)/[0-9/]*", r"\1/", n) for n in kernels}
    assert kinds == {
        "stacks/depthwise/depthwise_kernel",
        "stacks/expand/kernel",
        "stacks/contract/kernel",
        "stacks/squeeze_excite/_se_reduce/kernel",
        "stacks/squeeze_excite/_se_expand/kernel",
        "laterals/layer_with_weights-0/kernel",
        "climbs/layer_with_weights-0/kernel",
    }
    for kernel in kernels.items():
        assert_truncated_normal(*kernel, stddev=0.02)
    for bias in matching(weights, r"pixel_decoder/.*bias").values():
        np.testing.assert_array_equal(bias, 0)
    for gamma in matching(weights, r"pixel_decoder/stacks/\d/\d+/gamma").values():
        np.testing.assert_allclose(gamma, 1e-6)


def test_the_heads_start_with_he_normal_and_small_outputs(fresh):
    name, _, weights = fresh
    for head in HEADS:
        units = matching(weights, rf"{head}/units/\d/pointwise/kernel")
        assert len(units) == (4 if name == "resnet50" else 2)
        for unit, kernel in units.items():
            assert_deviation(unit, kernel, math.sqrt(2 / kernel.shape[2]))
        assert_truncated_normal(head, weights[f"{head}/output_conv/kernel"], stddev=0.01)
        bias = weights[f"{head}/output_conv/bias"]
        prior = PRIORS[name] if head == "center_heatmap_head" else 0.5
        np.testing.assert_allclose(bias, math.log(prior / (1 - prior)), rtol=1e-6)
    if PRIORS[name] == 0.1:
        np.testing.assert_allclose(
            weights["center_heatmap_head/output_conv/bias"], -2.19, atol=0.01
        )


def test_the_class_table_starts_uniform(fresh):
    _, _, weights = fresh
    table = weights["mask_embedding_generator/class_embedding_table"]
    assert_deviation("table", table, 0.05 / math.sqrt(3))
    assert 0.045 < np.abs(table).max() <= 0.05


# ---- Scales --------------------------------------------------------------------------------------
def named_outputs(model: tf_keras.Model) -> dict[str, np.ndarray]:
    """All levels and outputs in training, where batch norms take the statistics of the batch."""
    images = tf.random.stateless_uniform([2, *SIZE, 3], [1, 2], 0, 256, tf.int32)
    images = tf.cast(images, tf.uint8)
    backbone, levels = model.compute_features(images, training=True)
    outputs = model(images, training=True)
    found = {f"backbone {k}": x for k, x in backbone.items()}
    found |= {f"level {k}": x for k, x in levels.items()}
    found |= {f"heatmap {k}": x for k, x in outputs[types.CENTER_HEATMAP_LOGITS].items()}
    if model.fuse_level is None:
        head = model.center_embedding_head
        centers = {k: head(levels[k], level=k, training=True) for k in model.center_levels}
        found |= {f"center embedding {k}": x for k, x in centers.items()}
    features, embeddings = outputs[types.MASK_FEATURES], outputs[types.MASK_EMBEDDINGS]
    found |= {"mask feature": features, "mask embedding": embeddings}
    found["mask logit"] = tf.einsum("bhwd,bkd->bhwk", features, embeddings)
    return {name: np.asarray(x, np.float32) for name, x in found.items()}


def scale(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


def scales_of(outputs: dict[str, np.ndarray], kind: str) -> list[float]:
    return [scale(x) for name, x in outputs.items() if name.startswith(kind)]


def test_every_output_of_a_fresh_model_has_a_scale_to_learn_from(fresh):
    name, model, _ = fresh
    outputs = named_outputs(model)
    print(f"\n{name} at {SIZE}\n{'output':20} {'mean':>8} {'deviation':>9} {'scale':>8}")
    for output, x in outputs.items():
        print(f"{output:20} {x.mean():8.4f} {x.std():9.4f} {scale(x):8.4f}")
        assert np.isfinite(x).all()

    for kind, factor in (("level", 3), ("center embedding", 3), ("backbone", 10)):
        if found := scales_of(outputs, kind):
            assert max(found) < factor * min(found), kind
    assert all(0.3 < level < 3 for level in scales_of(outputs, "level"))
    # Masks start undecided, which for a sigmoid is within half a logit of 0, but not dead.
    assert 1e-3 < outputs["mask logit"].std() < 0.5
    assert abs(outputs["mask logit"].mean()) < 0.5
    for output in ("mask feature", "mask embedding"):
        assert 0.01 < scale(outputs[output]) < 1
    for output, x in outputs.items():
        if output.startswith("heatmap"):
            scores = 1 / (1 + np.exp(-x))
            assert scores.mean() == pytest.approx(PRIORS[name], rel=0.1), output
            assert PRIORS[name] / 2 < scores.min() <= scores.max() < 2 * PRIORS[name], output
