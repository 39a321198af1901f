"""Copies of a picture are found whatever was done to them; other pictures are not."""

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.planning.first_configuration.parts.alike import group_alike, make_thumbnail
from tests.unit.planning.first_configuration.made_facts import memory_picture


def scene(seed: int, size=(120, 160)) -> np.ndarray:
    """Some rectangles of random gray values."""
    rng = np.random.default_rng(seed)
    pixels = np.full((*size, 3), rng.integers(0, 255), np.uint8)
    for _ in range(12):
        y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
        pixels[y : y + 50, x : x + 50] = rng.integers(0, 255, 3)
    return pixels


def grouped(*pictures) -> tuple[list[int], bool]:
    groups, is_coarse = group_alike([make_thumbnail(picture) for picture in pictures])
    return groups.tolist(), is_coarse


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize(size))


CHANGES = {
    "equal": lambda p: p,
    "smaller": lambda p: resized(p, (80, 60)),
    "brighter": lambda p: (p * 0.6 + 90).astype(np.uint8),
    "mirrored": lambda p: p[:, ::-1],
    "upside down": lambda p: p[::-1],
    "turned": lambda p: np.rot90(p),
    "turned and mirrored": lambda p: np.rot90(p)[:, ::-1],
    "noisy": lambda p: np.clip(p + np.random.default_rng(1).normal(0, 12, p.shape), 0, 255).astype(
        np.uint8
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_like_its_picture_and_no_other(change):
    others = [memory_picture(scene(seed)) for seed in range(1, 8)]
    copy = memory_picture(np.ascontiguousarray(CHANGES[change](scene(0))), kind="JPEG")
    groups, is_coarse = grouped(memory_picture(scene(0)), *others, copy)
    assert groups == [0, 1, 2, 3, 4, 5, 6, 7, 0] and not is_coarse


def test_flat_pictures_are_alike_only_if_their_files_are_equal():
    flat = [memory_picture(np.full((9, 9, 3), value, np.uint8)) for value in (5, 6, 5)]
    groups, _ = grouped(*flat, memory_picture(scene(0)))
    assert groups == [0, 1, 0, 2]


def test_a_fixed_camera_does_not_put_everything_into_one_group():
    ground = scene(0)
    frames = []
    for i in range(9):
        frame = ground.copy()
        frame[10 * i : 10 * i + 16, 15 * i : 15 * i + 16] = 255 - ground[0, 0]
        frames.append(memory_picture(frame))
    groups, is_coarse = grouped(*frames, frames[4])
    assert is_coarse
    assert groups[9] == groups[4] and len(set(groups)) > 4


def test_a_picture_that_cannot_be_read_is_like_no_other():
    broken = memory_picture(None)
    assert grouped(broken, broken, memory_picture(scene(0)))[0] == [0, 1, 2]
