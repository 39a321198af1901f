"""Fixtures: a small source, its dataset folder, and a proof of the one against the other."""

import pytest

from maskconver_tf.datasets.build.build_summary import balance_lines
from tests.unit.datasets.proof.built_folder import BuiltFolder, prove_folder, sum_of


@pytest.fixture
def coco(make_coco_folder):
    """Four pictures; ids of picture i: sky 16777215, grass 1000 + i, balls 70000 and 70001."""
    return make_coco_folder(num_pictures=4)


@pytest.fixture
def built(coco, tmp_path):
    return BuiltFolder.build(coco, tmp_path / "built", num_shards=2)


@pytest.fixture
def check(coco):
    """`check(built)`: findings as (kind, text "file: found")."""

    def run(built, workers=1):
        proof = prove_folder(coco, built, workers)
        for line in balance_lines(proof.counts):
            came_in, _, went = line.partition(":")[2].partition("=")
            assert sum_of(came_in) == sum_of(went), line
        return [(f.problem, f"{f.file}: {f.found}") for f in proof.findings]

    return run
