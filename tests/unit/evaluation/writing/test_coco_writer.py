"""Threads that write results change nothing in the files."""

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter
from maskconver_tf.types import Segment

CLASSES = Categories.from_names(["thing"])


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing_in_the_files(tmp_path, threads):
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 4, [40, 50]) for _ in range(20)]
    for count, out in ((0, tmp_path / "plain"), (threads, tmp_path / "threads")):
        with CocoPanopticWriter(out, CLASSES, count) as writer:
            for number, panoptic_map in enumerate(maps):
                segments = [Segment(id=i, class_id=0, score=0.5) for i in (1, 2, 3)]
                writer.add(number, f"{number % 7}.jpg", panoptic_map, segments)
    written = [
        sorted(path for path in out.rglob("*.*") if path.is_file()) for out in tmp_path.iterdir()
    ]
    assert len(written[0]) == 21
    for one, other in zip(*written, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_an_error_in_a_thread_ends_the_writing(tmp_path):
    with (
        pytest.raises(UserError, match="image 0: the predicted map has pixels of segment 3"),
        CocoPanopticWriter(tmp_path, CLASSES, 2) as writer,
    ):
        writer.add(0, "a.jpg", np.full([4, 4], 3), [])
        for number in range(1, 9):
            writer.add(number, "a.jpg", np.zeros([4, 4], np.int32), [])
    assert not (tmp_path / "predictions.json").exists()
