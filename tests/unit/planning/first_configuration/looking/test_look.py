"""Pictures without any label are refused before they are looked at."""

import types

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.looking.look import look_at_parts


def test_a_dataset_without_a_segment_is_refused():
    train = types.SimpleNamespace(where="data/train", most_segments=0, pictures=[1, 2])
    evaluation = types.SimpleNamespace(where="data/val", most_segments=7, pictures=[1])
    with pytest.raises(
        UserError, match="data/train: found no labelled segment in any .*data check"
    ):
        look_at_parts(train, evaluation, workers=1, progress=False)
