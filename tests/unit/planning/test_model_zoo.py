"""What is said of a model that was counted, on figures made up here; and what cannot be counted."""

import json

import pytest

from maskconver_tf.planning import model_zoo
from maskconver_tf.planning.complexity import MASK_PRODUCT, Complexity, LayerCost

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
    return model_zoo.CountedModel("tiny", gin_file, "The smallest", 9, FOUND)


def test_a_row_leaves_the_masks_of_all_proposals_out(counted):
    assert model_zoo.table_row(counted).split() == ["tiny", "64x96", "1.76M", "3.51G"]
    assert len(model_zoo.table_row(counted)) == len(model_zoo.table_head())


def test_details_have_parts_by_kind_and_a_line_for_each_layer(counted):
    lines = [line.split() for line in model_zoo.details(counted).splitlines()]
    assert ["part", "parameters", "convolution", "depthwise", "dense", "einsum"] in lines
    assert ["backbone", "1,500,000", "3,000,000,000", "500,000,000", "0", "0"] in lines
    assert ["mask_product", "0", "0", "0", "0", "60,000,000"] in lines
    assert ["backbone/net/deep", "depthwise", "500,000,000"] in lines
    assert ["head", "dense", "7,000,000"] in lines


def test_data_is_plain_and_complete(counted):
    data = model_zoo.to_json(counted, with_layers=True)
    assert json.loads(json.dumps(data)) == data
    assert data["input_size"] == [64, 96]
    assert (data["parameters"], data["trainable_parameters"]) == (1_760_000, 1_740_000)
    assert (data["multiply_adds"], data["mask_product_multiply_adds"]) == (
        3_507_000_000,
        60_000_000,
    )
    assert sum(data["multiply_adds_by_kind"].values()) == 3_567_000_000
    assert data["layers"][1] == {
        "part": "backbone",
        "layer": "net/deep",
        "kind": "depthwise",
        "multiply_adds": 500_000_000,
    }
    assert "layers" not in model_zoo.to_json(counted, with_layers=False)


def test_the_page_has_a_link_and_both_counts_of_weights(counted):
    assert model_zoo.markdown_row(counted).startswith(
        "| [tiny](../experiments/model/tiny.gin) | 64x96 | 1.76M | 1.74M | 3.51G | 0.06G | The"
    )


@pytest.mark.parametrize(("with_masks", "expected"), [(False, 3.507e9), (True, 3.567e9)])
def test_a_published_cost_is_scaled_by_area(counted, with_masks, expected):
    published = model_zoo.Published("tiny", (), (64, 48), "", "", with_masks)
    assert model_zoo.published_cost(counted, published) == pytest.approx(expected / 2)
