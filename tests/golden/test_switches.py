"""Every claim of the paper has a switch, and each switch changes exactly the expected weights.

Each switch is one Gin line, on `tiny` with 5 classes: heads of width 64 on levels 3..5, and a
decoder of width 64 with one 7x7 block per level.
"""

from __future__ import annotations

import pytest

from maskconver_tf.config.named_models import build_model, find_models
from maskconver_tf.planning.complexity import Complexity, count_complexity

SIZE = (96, 160)
CELLS = {2: 24 * 40, 3: 12 * 20, 4: 6 * 10, 5: 3 * 5}
WIDTH, MIDDLE, SQUEEZED = 64, 256, 16

DEPTHWISE = 49 * WIDTH
BOTTLENECK = 2 * WIDTH * MIDDLE
GATE = 2 * MIDDLE * SQUEEZED
BLOCK = DEPTHWISE + WIDTH + 2 * WIDTH + BOTTLENECK + MIDDLE + WIDTH + WIDTH
"""Weights of a block without its gate: kernel and bias, norm, bottleneck, layer scale."""


def count(*bindings: str) -> Complexity:
    [tiny] = find_models(["tiny"])
    model, _ = build_model(tiny, 5, bindings)
    return count_complexity(model, SIZE)


@pytest.fixture(scope="module")
def tiny() -> Complexity:
    return count()


def changes(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    assert before.keys() == after.keys()
    return {part: after[part] - n for part, n in before.items() if after[part] != n}


@pytest.mark.parametrize(
    ("binding", "parameters", "multiply_adds"),
    [
        (
            "ConvNeXtUNet.repeats = (3, 1, 1)",
            {"pixel_decoder": 2 * (BLOCK + GATE + SQUEEZED + MIDDLE)},
            {"pixel_decoder": 2 * (CELLS[5] * (DEPTHWISE + BOTTLENECK) + GATE)},
        ),
        (
            "ConvNeXtUNet.kernel_size = 3",
            {"pixel_decoder": -3 * 40 * WIDTH},
            {"pixel_decoder": -40 * WIDTH * (CELLS[3] + CELLS[4] + CELLS[5])},
        ),
        (
            "ConvNeXtUNet.se_ratio = 0",
            {"pixel_decoder": -3 * (GATE + SQUEEZED + MIDDLE)},
            {"pixel_decoder": -3 * GATE},
        ),
        (
            "MaskConver.class_embedding = 'none'",
            {"mask_embedding_generator": -5 * WIDTH},
            {},
        ),
        ("MaskConver.class_embedding = 'multiply'", {}, {}),
        (
            "MaskConver.head_kernel_size = 5",
            dict.fromkeys(
                ("center_heatmap_head", "center_embedding_head", "mask_feature_head"),
                2 * 16 * WIDTH,
            ),
            {
                "center_heatmap_head": 2 * 16 * WIDTH * (CELLS[3] + CELLS[4] + CELLS[5]),
                "center_embedding_head": 2 * 16 * WIDTH * (CELLS[3] + CELLS[4] + CELLS[5]),
                "mask_feature_head": 2 * 16 * WIDTH * CELLS[2],
            },
        ),
        (
            # A single scale: two levels' norms less, each 4 x (scale and offset) in both heads.
            "MaskConver.center_levels = (4,)",
            dict.fromkeys(("center_heatmap_head", "center_embedding_head"), -2 * 4 * 2 * WIDTH),
            {
                "center_heatmap_head": -(CELLS[3] + CELLS[5]) * 2 * (9 * WIDTH + WIDTH**2)
                - (CELLS[3] + CELLS[5]) * WIDTH * 5,
                "center_embedding_head": -(CELLS[3] + CELLS[5])
                * (2 * (9 * WIDTH + WIDTH**2) + WIDTH**2),
            },
        ),
    ],
)
def test_a_switch_changes_what_it_says_and_nothing_else(tiny, binding, parameters, multiply_adds):
    found = count(binding)
    assert changes(tiny.parameters, found.parameters) == parameters
    assert changes(tiny.by_part(), found.by_part()) == multiply_adds


def test_widths_of_the_decoder_are_those_asked_for(tiny):
    found = count("ConvNeXtUNet.widths = (32, 32, 32)")
    middle, squeezed = 128, 8
    block = 49 * 32 + 32 + 2 * 32 + 2 * 32 * middle + middle + 32 + 32
    gate = 2 * middle * squeezed + squeezed + middle
    projections = (128 + 64 + 32 + 32 + 32) * 32 + 5 * 2 * 32  # Laterals, climbs; norms.
    assert found.parameters["pixel_decoder"] == 3 * (block + gate) + projections
    # The heads' first unit reads 32 channels less: 3x3, 1x1 and norms of 3 levels or one.
    changed = changes(tiny.parameters, found.parameters)
    assert changed["mask_feature_head"] == -32 * (9 + 64 + 2)
    assert changed["center_heatmap_head"] == -32 * (9 + 64 + 2 * 3)
