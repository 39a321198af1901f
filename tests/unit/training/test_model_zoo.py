"""What is said of a model that was counted, on figures made up here; and what cannot be counted."""

import json
import re

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.models.complexity import MASK_PRODUCT, Complexity, LayerCost
from maskconver_tf.training import model_zoo
from maskconver_tf.training.model_files import ModelFile, find_models

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
    [tiny] = find_models(["tiny"])
    return model_zoo.Counted(tiny, 9, FOUND)


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


@pytest.mark.parametrize("size", ["(800, 1200)", "640"])
def test_an_illegal_input_size_is_refused_before_anything_is_built(size):
    words = re.escape(f"tiny.input_size = {size}: ") + ".*multiples of 32"
    with pytest.raises(UserError, match=words):
        list(model_zoo.count_models(find_models(["tiny"]), bindings=[f"INPUT_SIZE = {size}"]))


def test_a_file_that_means_no_model_is_refused(tmp_path):
    path = tmp_path / "data.gin"
    path.write_text(
        "from __gin__ import dynamic_registration\n"
        "from maskconver_tf.data import pipeline\n\n"
        "pipeline.TrainingInput.data_dir = %TRAIN_DATA\n"
        "pipeline.EvaluationInput.data_dir = %EVAL_DATA\n"
    )
    with pytest.raises(UserError, match="data.gin: binds no model; include"):
        list(model_zoo.count_models([ModelFile("data", str(path))]))


def test_a_mistake_in_a_setting_is_one_clean_message():
    with pytest.raises(UserError) as caught:
        list(model_zoo.count_models(find_models(["tiny"]), bindings=["resnet.depth = 42"]))
    assert "resnet.depth = 42: no such ResNet" in str(caught.value)
    assert "In call to" not in str(caught.value)
