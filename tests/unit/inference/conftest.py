"""A predictor for the tests of this room."""

import pytest

from maskconver_tf.inference.predictor import Predictor
from tests.unit.inference.fake_predictor import CATEGORIES, segment


@pytest.fixture
def predictor():
    return Predictor(segment, CATEGORIES)
