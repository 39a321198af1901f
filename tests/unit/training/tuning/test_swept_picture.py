"""Swept scores equal those of the fusion and of panoptic quality, for all settings."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tuning.kept_picture import KeptPicture, keep_picture
from maskconver_tf.training.tuning.search import Search, grid_from
from maskconver_tf.training.tuning.sweep import Sweep
from maskconver_tf.training.tuning.swept_picture import SweptPicture

IS_THING = np.array([True, True, False, False])
STRIDE, SIZE, CONTENT, GRID = 4, (23, 29), (22, 28), (6, 7)
NUM_PICTURES, COUNT = 6, 9
SETTINGS = [
    {},
    {"score_threshold": 0.5, "stuff_score_threshold": 0.1},
    {"score_threshold": 0.1, "overlap_threshold": 0.9, "min_area": 30},
    {"class_score_thresholds": (0.6, None, 0.05, None), "score_threshold": 0.3},
    {"mask_quality": True, "score_threshold": 0.2},
    {"mask_quality": True, "runner_up": True, "score_threshold": 0.1, "overlap_threshold": 0.6},
    {"runner_up": True, "overlap_threshold": 0.8},
    {"stuff_overlap_threshold": 0.2, "score_threshold": 0.1, "overlap_threshold": 0.9},
    {"stuff_overlap_threshold": 0.95, "score_threshold": 0.1, "overlap_threshold": 0.0},
    {"score_threshold": 1.0},
]


def make_example(seed: int) -> tuple[dict, dict]:
    """An example with a crowd and void, and proposals that resemble its truth."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.repeat([1, 2, 3, 4], 8)[: SIZE[1]], [SIZE[0], 1])
    truth[:4], truth[4:8, :3] = 5, 0
    own = rng.integers(1, 6, COUNT)  # The true segment that each proposal is about.
    rows, columns = (np.arange(n) * size // n for n, size in zip(GRID, SIZE))
    masks = np.where(truth[np.ix_(rows, columns)][..., np.newaxis] == own, 4.0, -4.0)
    masks += rng.normal(scale=2, size=masks.shape)
    true_class = np.int32([0, 1, 2, 3, 0])[own - 1]
    other_class = rng.integers(0, 4, COUNT).astype(np.int32)
    centers = STRIDE * (rng.integers(0, [7, 8], [COUNT, 2]) + 0.5)
    proposals = {
        types.PROPOSAL_SCORES: rng.choice(np.float32([0.03, 0.25, 0.5, 0.7, 0.9]), COUNT),
        types.PROPOSAL_CLASS_IDS: np.where(rng.random(COUNT) < 0.8, true_class, other_class),
        types.PROPOSAL_CENTERS: centers.astype(np.float32),
        types.MASK_EMBEDDINGS: np.eye(COUNT, dtype=np.float32),
        types.MASK_FEATURES: masks.astype(np.float32),
    }
    example = {
        types.IMAGE_ID: str(seed).encode(),
        types.SEGMENT_MAP: truth.astype(np.int32),
        types.SEGMENT_CLASS_IDS: np.int32([0, 1, 2, 3, 0]),
        types.SEGMENT_IS_CROWD: np.array([False, False, False, False, True]),
        types.CONTENT_SIZE: np.int32(CONTENT),
        types.IMAGE_SIZE: np.int32(SIZE),
    }
    return example, proposals


@functools.cache
def examples() -> list[tuple[dict, dict]]:
    return [make_example(seed) for seed in range(NUM_PICTURES)]


def kept(dtype: str = "float32", floor: float = 0.03) -> list[KeptPicture]:
    return [keep_picture(example, found, floor, dtype, STRIDE) for example, found in examples()]


def new_sweep(dtype: str = "float32") -> Sweep:
    pictures = [SweptPicture(lambda p=p: p, IS_THING, STRIDE) for p in kept(dtype)]
    return Sweep(pictures, IS_THING)


def evaluated(fusion: PanopticFusion) -> PanopticQuality:
    """The score by the fusion and the map that it paints, as in an evaluation."""
    quality = PanopticQuality(len(IS_THING), IS_THING)
    for example, found in examples():
        sizes = [tf.constant(example[name]) for name in (types.CONTENT_SIZE, types.IMAGE_SIZE)]
        outputs = {name: tf.constant(value) for name, value in found.items()}
        fused = fusion(outputs, *sizes, tf.constant(IS_THING), STRIDE)
        truth = [
            types.Segment(id=i + 1, class_id=int(c), is_crowd=bool(crowd))
            for i, (c, crowd) in enumerate(
                zip(example[types.SEGMENT_CLASS_IDS], example[types.SEGMENT_IS_CROWD])
            )
        ]
        segments = types.segments_from_arrays(fused)
        quality.update(
            example[types.SEGMENT_MAP], truth, fused[types.PANOPTIC_MAP].numpy(), segments
        )
    return quality


def same(found, expected) -> bool:
    names = [field.name for field in dataclasses.fields(expected)]
    return all(
        np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=True)
        if isinstance(getattr(expected, name), np.ndarray)
        else repr(getattr(found, name)) == repr(getattr(expected, name))
        for name in names
    )


def test_every_bit_of_a_swept_score_is_that_of_an_evaluation():
    sweep = new_sweep()
    scores = set()
    for settings in SETTINGS:
        fusion = PanopticFusion(**{"score_threshold": 0.2, "min_area": 4} | settings)
        expected = evaluated(fusion).result()
        assert same(sweep.result(fusion), expected), settings
        scores.add(expected.all.pq)
    assert len(scores) > 4
    sweep.close()


def test_the_order_of_settings_changes_nothing():
    fusions = [PanopticFusion(**settings) for settings in SETTINGS]
    first, second = new_sweep(), new_sweep()
    forward = [first.totals(fusion) for fusion in fusions]
    backward = [second.totals(fusion) for fusion in fusions[::-1]][::-1]
    np.testing.assert_array_equal(forward, backward)


def test_halves_add_up_to_the_pictures():
    sweep, fusion = new_sweep(), PanopticFusion(score_threshold=0.2)
    for half in (0, 1):
        of_pictures = sweep.of_pictures(fusion, half)
        assert len(of_pictures) == NUM_PICTURES // 2
        np.testing.assert_array_equal(of_pictures.sum(0), sweep.totals(fusion)[half])


def test_float16_is_close():
    fusion = PanopticFusion(score_threshold=0.2, min_area=4)
    near, exact = (new_sweep(dtype).result(fusion).all.pq for dtype in ("float16", "float32"))
    assert near == pytest.approx(exact, abs=0.01)


def test_a_picture_is_read_as_it_was_written(tmp_path):
    [picture, *_] = kept()
    size = picture.save(tmp_path / "0.npz")
    assert size == (tmp_path / "0.npz").stat().st_size
    again = KeptPicture.load(tmp_path / "0.npz")
    for field in dataclasses.fields(picture):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(picture, field.name))
    (tmp_path / "0.npz").write_bytes((tmp_path / "0.npz").read_bytes()[:100])
    with pytest.raises(UserError, match=r"0.npz: cannot be read .*; delete the folder"):
        KeptPicture.load(tmp_path / "0.npz")


def test_the_search_ends_where_no_single_setting_gains():
    sweep = new_sweep()
    start = PanopticFusion(score_threshold=0.95, min_area=4)
    grid = {
        "score_threshold": (0.1, 0.5, 0.95),
        "stuff_score_threshold": (0.1, 0.5, 0.95),
        "overlap_threshold": (0.0, 0.75),
        "stuff_overlap_threshold": (0.0, 0.75),
    }
    best = Search(sweep, grid, switches=("runner_up",), per_class=True).best(start)
    assert sweep.pq(start, 0) == 0.0
    assert sweep.pq(best, 0) > 5.0
    alone = dataclasses.replace(best, class_score_thresholds=())
    for setting, values in grid.items():
        for value in values:
            assert sweep.pq(dataclasses.replace(alone, **{setting: value}), 0) <= sweep.pq(best, 0)


def test_the_grid_has_the_values_of_the_run_and_none_below_the_floor():
    grid = grid_from(PanopticFusion(score_threshold=0.23, min_area=5), floor=0.1)
    assert 0.23 in grid["score_threshold"]
    assert 0.23 in grid["stuff_score_threshold"]
    assert 5 in grid["min_area"]
    assert min(grid["score_threshold"]) == 0.1
    assert 0.0 in grid["overlap_threshold"]
    assert 0.75 in grid["stuff_overlap_threshold"]
