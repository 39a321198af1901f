"""Sizes and strides that `ModelGrid` refuses."""

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.model_grid import ModelGrid


def test_an_input_size_with_three_sides_is_refused():
    with pytest.raises(UserError, match="--input_size 32,32,3: expected height and width"):
        ModelGrid([(32, 32, 3)])
