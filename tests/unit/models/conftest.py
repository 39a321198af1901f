"""A tiny MaskConver with random weights, shared by the tests of this room."""

import pytest

from tests.unit.layers.check_layer import shake
from tests.unit.models.tiny_maskconver import IMAGES, make_model


@pytest.fixture(scope="module")
def model():
    model = make_model()
    model(IMAGES)
    shake(model)
    return model
