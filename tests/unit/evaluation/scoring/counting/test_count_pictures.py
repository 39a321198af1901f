"""Pictures that are counted together have the counts of each alone, in every bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from maskconver_tf.evaluation.scoring.counting import count_pictures as counting
from maskconver_tf.evaluation.scoring.counting.picture_overlaps import picture_overlaps
from maskconver_tf.evaluation.scoring.counting.scoring_rules import ScoringRules
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from tests.golden.scoring.adversarial_files import adversarial_pictures, write_files


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    files = write_files(tmp_path_factory.mktemp("files"), adversarial_pictures(7))
    found = coco_pairs(files[:2], [files[2:]])
    return found.categories, list(found.pairs)


def leaves(value, path=()):
    """All arrays and numbers in nested tuples, with their places."""
    if isinstance(value, tuple):
        return [leaf for i, each in enumerate(value) for leaf in leaves(each, (*path, i))]
    return [(path, value)]


def assert_same(found, expected):
    for (path, one), (other_path, other) in zip(leaves(found), leaves(expected), strict=True):
        assert path == other_path
        if isinstance(other, np.ndarray):
            assert (one.dtype, one.shape) == (other.dtype, other.shape), path
            np.testing.assert_array_equal(one, other, str(path), strict=True)
        else:
            assert one == other, path


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("options", [{}, {"strict": True}, {"boundary": True}])
@pytest.mark.parametrize("most_entries", [200, 600, 10**6])
def test_joined_pictures_are_those_of_each_alone(
    pairs, monkeypatch, missing, options, most_entries
):
    categories, listed = pairs
    rules = ScoringRules(categories.is_thing, **options)
    pictures = []
    for number, pair in enumerate(listed):
        predicted = None if missing and number % 3 == 1 else pair.predictions[0].read()
        found = picture_overlaps(pair.truth.read(), predicted, rules, "image")
        if number % 4 == 2:  # The file lists other areas.
            found = found._replace(listed_areas=found.listed_areas + 1)
        pictures.append(found)

    def counted(entries: int) -> list:
        monkeypatch.setattr(counting, "_MOST_ENTRIES", entries)
        found = counting.count_pictures(pictures, rules)
        return found, [each for part in found for each in part.split()]

    parts, together = counted(most_entries)
    alone_parts, alone = counted(0)
    assert len(alone_parts) == len(pictures) == len(together)
    assert len(parts) < len(pictures)
    assert any(len(each.losses.mended[0]) for each in alone)
    assert any(each.wrong_area is not None for each in alone)
    for one, other in zip(together, alone, strict=True):
        assert_same(one, other)


def test_nothing_to_count(pairs):
    rules = dataclasses.replace(ScoringRules(pairs[0].is_thing))
    assert counting.count_pictures([], rules) == []
