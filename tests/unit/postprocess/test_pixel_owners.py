"""The fusion by border equals the plain definition, pixel by pixel, on random pictures in bulk."""

import numpy as np
import pytest

from tests.unit.postprocess.random_fusions import FUSIONS, check_batch


@pytest.mark.parametrize("settings", range(len(FUSIONS)))
def test_the_fusion_equals_its_plain_definition(settings):
    for seed in range(10):
        check_batch(np.random.default_rng([1, settings, seed]), settings)
