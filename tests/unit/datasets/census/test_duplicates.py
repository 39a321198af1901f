"""Pictures that occur twice are found; different pictures of one kind are not."""

import numpy as np

from maskconver_tf.datasets.census.duplicates import DuplicateFinder
from maskconver_tf.datasets.census.measure_picture import PictureMeasures


def _measures(thumbnail, number):
    return PictureMeasures(
        name=str(number),
        size=(4, 4),
        segment_ids=[],
        class_ids=[],
        is_crowd=[],
        areas=np.zeros(1, np.int64),
        num_merged=0,
        num_hidden=0,
        conversion=None,
        file_sha256=bytes([number]),
        thumbnail=thumbnail.astype(np.uint8),
        segment_map=None,
        drawing=None,
        findings=[],
    )


def test_different_pictures_of_one_kind_are_no_duplicates():
    """Flat pictures, noise and a gradient; then each of them again with an encoder's noise."""
    rng = np.random.default_rng(0)
    finder = DuplicateFinder()
    pictures = [np.full([16, 17], v) for v in (0, 90, 200)]
    pictures += [rng.integers(0, 255, [16, 17]) for _ in range(20)]
    pictures.append(np.arange(16 * 17).reshape(16, 17) % 256)
    numbers = [finder.add(_measures(p, i))[0] for i, p in enumerate(pictures)]
    assert numbers == [None] * len(pictures)
    again = [
        np.clip(p + (rng.random(p.shape) < 0.05) * rng.integers(-2, 3, p.shape), 0, 255)
        for p in pictures
    ]
    found = [finder.add(_measures(p, 100 + i)) for i, p in enumerate(again)]
    assert [number for number, _ in found] == list(range(len(pictures)))
    assert not any(same_file for _, same_file in found)


def test_the_next_frame_of_a_film_is_no_duplicate():
    """A still scene with an encoder's noise, in which something small has appeared."""
    scene = np.random.default_rng(0).integers(40, 200, [16, 17])
    moved = scene + (np.indices(scene.shape).sum(0) % 2)
    moved[5, 9] += 25
    finder = DuplicateFinder()
    assert [finder.add(_measures(p, i))[0] for i, p in enumerate((scene, moved))] == [None] * 2
