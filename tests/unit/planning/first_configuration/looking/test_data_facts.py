"""Facts over pictures follow from those of the pictures."""

import numpy as np
import pytest

from maskconver_tf.planning.first_configuration.looking.data_facts import has_a_top
from tests.unit.planning.first_configuration.made_facts import make_facts, make_picture_facts


def test_lengths_are_scaled_picture_by_picture():
    facts = make_facts(
        make_picture_facts((100, 200), sides=(10,)), make_picture_facts((50, 50), sides=(10, 20))
    )
    scales = facts.scales((50, 100))
    np.testing.assert_allclose(scales, [0.5, 1.0])
    sides = facts.scaled("short_sides", scales)[facts.counted()]
    assert sides.tolist() == [5, 10, 20]


def test_without_things_all_segments_count():
    facts = make_facts(make_picture_facts(sides=()))
    assert not facts.has_things and facts.has_stuff
    assert facts.counted().tolist() == [True] and facts.touching_share == 0


def test_shares_of_kinds_are_means_over_pictures():
    kinds = [make_picture_facts(is_gray=gray, darkness=0.1) for gray in (True, False, False, False)]
    facts = make_facts(*kinds)
    assert facts.gray_share == 0.25 and facts.dark_share == 1 and facts.photograph_share == 0


@pytest.mark.parametrize(("low", "high", "expected"), [(0.0, 1.0, False), (0.0, 0.4, True)])
def test_pictures_have_a_top_if_a_class_keeps_to_it(low, high, expected):
    heights = np.linspace(low, high, 60)
    facts = make_facts(make_picture_facts(sides=(5,) * 60, stuff=False, heights=heights))
    assert has_a_top(facts) is expected


def test_few_segments_do_not_tell_about_a_top():
    assert has_a_top(make_facts(make_picture_facts())) is None
