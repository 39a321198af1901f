"""105 problems planted in a copy of real pictures: all of them are found, and nothing else."""

import collections
import itertools

import pytest

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.planning.dataset_check.check_parts import check_parts
from maskconver_tf.planning.dataset_check.model_grid import ModelGrid
from maskconver_tf.planning.dataset_check.open_parts import open_folder
from tests.unit.planning.dataset_check.dataset_copy import (
    SIDE,
    DatasetCopy,
    small_segments,
    unseen_classes,
)
from tests.unit.planning.dataset_check.planted_problems import (
    PLANT_OTHERS,
    SPOIL_PICTURE,
    plant_unusable,
)

NUM_OF_EACH = 5


def _found(copy):
    """Checks the copy; returns the report and its problems in the form of `planted`."""
    copy.save()
    parts = open_folder(copy.root)
    grid = ModelGrid([(SIDE, SIDE)])
    report = check_parts(parts, grid, None, ceiling_pictures=0, workers=1, progress=False)
    found = collections.Counter()
    for part, finding in report.problems:
        what = finding.picture
        if finding.problem is Problem.UNSEEN_CLASS:
            what = finding.found.partition(",")[0]
        elif finding.problem is Problem.TOO_SMALL_SEGMENT:
            what += " " + finding.found.partition(", id ")[2].partition(",")[0]
        found[part, finding.problem, what] += 1
    return report, found


@pytest.fixture
def copy(coco200, tmp_path):
    return DatasetCopy(coco200, tmp_path / "copy")


def test_all_planted_problems_are_found_and_nothing_else(copy):
    parts = itertools.cycle(["train", "val"])
    for problem in SPOIL_PICTURE:
        for _ in range(NUM_OF_EACH):
            plant_unusable(copy, problem, next(parts))
    for number, plant in enumerate(PLANT_OTHERS):
        for i in range(NUM_OF_EACH):
            plant(copy, 10 * number + i, next(parts))
    small = small_segments(copy, "train") + small_segments(copy, "val")
    planted_small = sum(what.endswith(f" {2**24 - 5}") for _, _, what in small)
    assert copy.planted.total() + planted_small == 105
    assert set(collections.Counter(p for _, p, _ in copy.planted).values()) == {NUM_OF_EACH}
    _, found = _found(copy)
    # The real pictures too have small segments, and classes that only validation has.
    expected = copy.planted + small + (unseen_classes(copy) - copy.planted)
    assert found - expected == collections.Counter()
    assert expected - found == collections.Counter()


def test_the_untouched_copy_has_only_the_problems_of_its_annotations(copy):
    report, found = _found(copy)
    small = small_segments(copy, "train") + small_segments(copy, "val")
    assert found == small + unseen_classes(copy)
    listed = sum(len(a["segments_info"]) for a in copy.content["train"]["annotations"])
    train = report.parts["train"]
    assert (train["num_pictures"], train["num_segments"]) == (100, listed)
    assert sum(train["histograms"]["segments per picture"]["counts"]) == 100
    assert sum(train["histograms"]["segment area, pixels"]["counts"]) == listed
    assert sum(train["histograms"]["longer side, pixels"]["counts"]) == 100
