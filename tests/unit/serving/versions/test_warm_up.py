"""A new version answers a sound picture in each batch size before it serves."""

from __future__ import annotations

import dataclasses

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.serving.versions.warm_up import warm_up
from tests.unit.serving.fake_model import FakeModel, fake_version, pixels_of


def _with(run):
    return dataclasses.replace(fake_version(5), run=run)


def test_every_batch_size_and_both_signatures_run():
    calls, model = [], FakeModel()

    def run(name, inputs):
        files = inputs[signatures.ENCODED_IMAGES].tolist()
        assert pixels_of(files[0]).shape == (64, 64, 3)
        calls.append((name, len(files), {key: len(value) for key, value in inputs.items()}))
        return model(name, inputs)

    warm_up(_with(run), (1, 4))
    assert [(name, count) for name, count, _ in calls] == [
        ("serving_default", 1),
        ("serving_default", 4),
        ("serving_with_thresholds", 1),
    ]
    assert calls[-1][2].keys() > {"score_threshold", "min_area"}


def test_a_version_that_fails_is_refused():
    def fail(name, inputs):
        raise RuntimeError("no kernel")

    with pytest.raises(UserError, match=r"version 5: serving_default fails for 1 .*no kernel"):
        warm_up(_with(fail), (1,))


@pytest.mark.parametrize("wrong", ["a status", "an empty map", "other fields"])
def test_a_version_that_gives_no_answer_is_refused(wrong):
    model = FakeModel()

    def run(name, inputs):
        found = model(name, inputs)
        if name == signatures.SERVING_DEFAULT:
            return found
        if wrong == "a status":
            found[signatures.STATUS] += 4
        elif wrong == "an empty map":
            found[signatures.PANOPTIC_PNG][:] = b""
        return {} if wrong == "other fields" else found

    with pytest.raises(UserError, match="serving_with_thresholds gave no answer"):
        warm_up(_with(run), (1,))
