"""The table of counted models, with made-up counts."""

import json

from maskconver_tf.planning import model_table


def test_a_row_leaves_the_masks_of_all_proposals_out(counted):
    assert model_table.format_row(counted).split() == ["tiny", "64x96", "1.76M", "3.51G"]
    assert len(model_table.format_row(counted)) == len(model_table.format_head())


def test_details_have_parts_by_kind_and_a_line_for_each_layer(counted):
    lines = [line.split() for line in model_table.format_details(counted).splitlines()]
    assert ["part", "parameters", "convolution", "depthwise", "dense", "einsum"] in lines
    assert ["backbone", "1,500,000", "3,000,000,000", "500,000,000", "0", "0"] in lines
    assert ["mask_product", "0", "0", "0", "0", "60,000,000"] in lines
    assert ["backbone/net/deep", "depthwise", "500,000,000"] in lines
    assert ["head", "dense", "7,000,000"] in lines


def test_data_is_plain_and_complete(counted):
    data = model_table.to_json(counted, with_layers=True)
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
    assert "layers" not in model_table.to_json(counted, with_layers=False)
