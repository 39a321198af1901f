"""The page of counted models, with made-up counts."""

import pytest

from maskconver_tf.planning import model_zoo


def test_the_page_has_a_link_and_both_counts_of_weights(counted):
    assert model_zoo.format_page_row(counted).startswith(
        "| [tiny](../experiments/model/tiny.gin) | 64x96 | 1.76M | 1.74M | 3.51G | 0.06G | The"
    )


@pytest.mark.parametrize(("with_masks", "expected"), [(False, 3.507e9), (True, 3.567e9)])
def test_a_published_cost_is_scaled_by_area(counted, with_masks, expected):
    published = model_zoo.PublishedFigure("tiny", (), (64, 48), "", "", with_masks)
    assert model_zoo.published_cost(counted, published) == pytest.approx(expected / 2)
