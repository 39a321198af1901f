"""Crowds agree with their annotation, and a threshold does not separate their things."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from maskconver_tf.datasets.synthetic import crowd
from maskconver_tf.datasets.synthetic.dice import Dice
from maskconver_tf.datasets.synthetic.scene import Scene
from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from maskconver_tf.errors import UserError
from tests.unit.datasets.synthetic.read_scenes import read_annotations, read_picture


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [crowd.draw_crowd(Dice(0, 0, i)) for i in range(40)]


def test_pictures_hold_20_to_150_small_things_and_one_background(scenes):
    counts = [len(scene.segments) - 1 for scene in scenes]
    assert 18 <= min(counts) <= 30 and 110 <= max(counts) <= 150
    for scene in scenes:
        areas = np.bincount(scene.segment_map.ravel(), minlength=len(scene.segments) + 1)
        assert areas[0] == 0 and areas[1:].min() >= crowd.MIN_PIXELS
        assert scene.segments[-1] == (crowd.GROUND, False)
        assert np.median(areas[1:-1]) < 300


def test_most_things_touch_another(scenes):
    touching = total = 0
    for scene in scenes:
        ground = len(scene.segments)
        a, b = scene.segment_map[:, :-1], scene.segment_map[:, 1:]
        c, d = scene.segment_map[:-1], scene.segment_map[1:]
        pairs = np.concatenate(
            [np.stack([a, b], -1).reshape(-1, 2), np.stack([c, d], -1).reshape(-1, 2)]
        )
        pairs = pairs[(pairs[:, 0] != pairs[:, 1]) & (pairs < ground).all(axis=1)]
        touching += len(np.unique(pairs))
        total += ground - 1
    assert touching / total > 0.6


def test_both_looks_occur(scenes):
    darker = []
    for scene in scenes:
        gray, things = scene.image.mean(axis=2), scene.segment_map < len(scene.segments)
        darker.append(gray[things].mean() < gray[~things].mean())
    assert 0.25 < np.mean(darker) < 0.75


def test_the_best_threshold_of_each_picture_stays_under_55_pq_of_things(scenes):
    sums = np.zeros(4)
    for scene in scenes:
        gray = scene.image.mean(axis=2)
        levels = np.percentile(gray, np.arange(4, 100, 4))
        masks = [side for level in levels for side in (gray > level, gray <= level)]
        sums += max((_count_matches(mask, scene) for mask in masks), key=_quality)
    assert 10 < _quality(sums) < 55


def _count_matches(mask: np.ndarray, scene: Scene) -> np.ndarray:
    """Sum of IoUs, hits, missed and invented things of a mask's connected components."""
    labels, count = ndimage.label(mask)
    truth = np.where(scene.segment_map < len(scene.segments), scene.segment_map, 0)
    things = len(scene.segments) - 1
    pairs = truth.astype(np.int64) * (count + 1) + labels
    shared = np.bincount(pairs.ravel(), minlength=(things + 1) * (count + 1))
    shared = shared.reshape(things + 1, count + 1)
    areas, found = shared.sum(axis=1)[1:], shared.sum(axis=0)[1:]
    large = found >= crowd.MIN_PIXELS
    iou = shared[1:, 1:] / (areas[:, None] + found[None] - shared[1:, 1:])
    hits = iou[iou > 0.5]
    return np.array([hits.sum(), hits.size, things - hits.size, large.sum() - hits.size])


def _quality(sums: np.ndarray) -> float:
    total, hits, missed, invented = sums
    return 100 * total / max(hits + (missed + invented) / 2, 1e-9)


def test_a_written_crowd_dataset_reads_back_and_is_told_from_scenes(tmp_path):
    out = tmp_path / "crowd"
    assert write_toy_scenes(out, 3, 1, workers=1, progress=False, kind="crowd")
    assert not write_toy_scenes(out, 3, 1, workers=1, progress=False, kind="crowd")
    with pytest.raises(UserError, match="other content than these toy scenes"):
        write_toy_scenes(out, 3, 1, workers=1, progress=False)
    content = json.loads((out / "panoptic_train.json").read_text())
    assert {c["name"]: c["isthing"] for c in content["categories"]} == {"cell": 1, "background": 0}
    for annotation in read_annotations(out, "train"):
        image, ids, segments = read_picture(out, "train", annotation)
        assert image.shape == (*ids.shape, 3)
        assert {s["id"] for s in segments} == set(np.unique(ids))
        assert sum(s["area"] for s in segments) == ids.size


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(
        UserError, match="--kind crowds: expected one of scenes, crowd; did you mean .crowd."
    ):
        write_toy_scenes(tmp_path / "out", 1, 1, progress=False, kind="crowds")
