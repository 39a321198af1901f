"""A counted model with made-up counts."""

import pytest

from maskconver_tf.planning.complexity import MASK_PRODUCT, Complexity, LayerCost
from maskconver_tf.planning.model_table import CountedModel

FOUND = Complexity(
    input_size=(64, 96),
    parameters={"backbone": 1_500_000, "head": 260_000},
    trainable_parameters={"backbone": 1_490_000, "head": 250_000},
    layers=(
        LayerCost("backbone", "net/conv", "convolution", 3_000_000_000),
        LayerCost("backbone", "net/deep", "depthwise", 500_000_000),
        LayerCost("head", "", "dense", 7_000_000),
        LayerCost(MASK_PRODUCT, "", "einsum", 60_000_000),
    ),
)


@pytest.fixture
def counted():
    gin_file = "experiments/model/tiny.gin"
    return CountedModel("tiny", gin_file, "The smallest", 9, FOUND)
