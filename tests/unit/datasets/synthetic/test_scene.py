"""Scenes agree with their annotation, hold hard cases, and are not solved by color."""

from __future__ import annotations

import numpy as np

from maskconver_tf.datasets.synthetic.catalogue import STUFF, THINGS
from maskconver_tf.datasets.synthetic.shared_centers import shared_center_segment_ids
from tests.unit.datasets.synthetic.read_scenes import things_of


def test_segments_are_exactly_the_ids_of_the_map_with_their_areas_and_boxes(examples):
    for image, ids, segments in examples["train"] + examples["val"]:
        assert image.shape == (*ids.shape, 3)
        assert min(ids.shape) >= 208 and max(ids.shape) <= 264
        assert {s["id"] for s in segments} == set(np.unique(ids)) - {0}
        for segment in segments:
            y, x = np.nonzero(ids == segment["id"])
            box = [x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1]
            assert segment["area"] == y.size and segment["bbox"] == box
            assert segment["area"] >= 30


def test_a_stuff_class_is_one_segment_and_never_a_crowd(examples):
    for _, _, segments in examples["train"]:
        stuff = [s for s in segments if s["category_id"] in STUFF.values()]
        assert len({s["category_id"] for s in stuff}) == len(stuff) <= 4
        assert not any(s["iscrowd"] for s in stuff)


def test_scenes_hold_the_hard_cases_of_real_annotations(examples):
    train = examples["train"]
    segments = [s for _, _, listed in train for s in listed]
    sizes = [max(s["bbox"][2:]) for s in things_of(segments)]
    assert {s["category_id"] for s in segments} == {*THINGS.values(), *STUFF.values()}
    assert min(sizes) < 14 and max(sizes) > 150
    assert 0.7 < np.mean([20 <= size <= 120 for size in sizes]) < 0.95
    assert 2 <= sum(s["iscrowd"] for s in segments) <= 20
    counts = [len(things_of(listed)) for _, _, listed in train]
    assert min(counts) == 0 and max(counts) > 15 and 4 < np.median(counts) < 9
    void = [np.mean(ids == 0) for _, ids, _ in train]
    assert np.mean([share > 0 for share in void]) > 0.5 and np.mean(void) < 0.05
    shared = [bool(shared_center_segment_ids(ids, listed)) for _, ids, listed in train]
    assert 0.2 < np.mean(shared) < 0.45


def test_the_mean_color_tells_the_class_of_fewer_than_half_of_the_things(examples):
    colors, classes = _mean_colors(examples["train"])
    held_out, truth = _mean_colors(examples["val"])
    for guess in (_nearest_neighbors, _gaussians):
        accuracy = np.mean(guess(colors, classes, held_out) == truth)
        assert 0.2 < accuracy < 0.5, guess.__name__


def _mean_colors(split: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        (image[ids == s["id"]].mean(axis=0), s["category_id"])
        for image, ids, segments in split
        for s in things_of(segments)
    ]
    return np.array([color for color, _ in pairs]), np.array([c for _, c in pairs])


def _nearest_neighbors(colors: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    distances = ((asked[:, None] - colors[None]) ** 2).sum(axis=-1)
    votes = classes[np.argsort(distances, axis=1)[:, :15]]
    return np.array([np.bincount(v).argmax() for v in votes])


def _gaussians(colors: np.ndarray, classes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    options, scores = np.unique(classes), []
    for option in options:
        own = colors[classes == option]
        covariance = np.cov(own.T)
        offset = asked - own.mean(axis=0)
        spread = (offset @ np.linalg.inv(covariance) * offset).sum(axis=1)
        scores.append(np.log(len(own)) - (spread + np.linalg.slogdet(covariance)[1]) / 2)
    return options[np.argmax(scores, axis=0)]
