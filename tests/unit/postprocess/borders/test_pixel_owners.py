"""The fusion by border equals the plain definition, pixel by pixel, on random pictures in bulk."""

import numpy as np
import pytest

from tests.unit.postprocess.random_fusions import MOSAICS_PER_CALL, PARTS_A_SIDE, check_batch


@pytest.mark.parametrize("settings", [0, 3])
def test_the_fusion_equals_its_plain_definition(settings):
    """Over 10,000 cases each, under the plain settings and under those with all options."""
    cases = check_batch(np.random.default_rng([1, settings]), settings, count=100)
    for seed in range(5):
        rng = np.random.default_rng([2, settings, seed])
        cases += check_batch(rng, settings, MOSAICS_PER_CALL, PARTS_A_SIDE)
    assert cases > 10_000
