"""fusion.js gives the map of `PanopticFusion`, pixel by pixel; rle.js the run lengths of COCO."""

from __future__ import annotations

import base64
import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from pycocotools import mask as coco_mask

from maskconver_tf import types
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.postprocess.score_curves import ScoreCurves, recalibrated
from tests.e2e.serving.browser import chromium, static_page

STRIDE = 4
IS_THING = [True, True, False, False]
FUSE = """async ({answer, isThing, thresholds}) => {
  const {prepare, fuse} = await import('/fusion.js');
  const ready = prepare(answer, isThing);
  fuse(ready, {score_threshold: 0.9});  // What an earlier slider left must not matter.
  const {map, segments} = fuse(ready, thresholds);
  return {map: Array.from(map), segments};
}"""
RUNS = """async ({map, height, width}) => {
  const {encode, decode} = await import('/rle.js');
  const found = encode(map, height, width, 1), back = new Int32Array(map.length);
  decode(found, back, 1);
  return {found, back: Array.from(back)};
}"""


@pytest.fixture(scope="module")
def page():
    with chromium() as browser, static_page() as address:
        page = browser.new_page()
        page.goto(address + "icon.svg")
        yield page


def _scene(seed: int, cells: tuple[int, int], count: int = 14) -> dict[str, np.ndarray]:
    """Proposals with round masks of all sizes, and stuff behind them; the best score first."""
    noise = np.random.default_rng(seed)
    y, x = np.mgrid[: cells[0], : cells[1]] / max(cells)
    logits = []
    for _ in range(count):
        cy, cx, radius = noise.uniform(0, 1), noise.uniform(0, 1), noise.uniform(0.02, 0.5)
        sharpness = noise.uniform(5, 300)
        logits.append(sharpness * (radius - np.hypot(y - cy, x - cx)))
    logits = np.stack(logits, -1) + noise.normal(0, 0.5, [*cells, count])
    scores = np.sort(noise.uniform(0.02, 1, count))[::-1]
    return {
        "logits": logits.astype(np.float32),
        "scores": scores.astype(np.float32),
        "class_ids": noise.integers(0, len(IS_THING), count).astype(np.int32),
    }


def _answer(scene: dict, size: tuple[int, int], fusion: PanopticFusion) -> dict:
    """What the server sends for these proposals."""
    masks = np.ascontiguousarray(np.moveaxis(scene["logits"], -1, 0), "<f4")
    return {
        "height": size[0],
        "width": size[1],
        "fusion": vars(fusion),
        "scores": scene["scores"].astype(float).tolist(),
        "class_ids": scene["class_ids"].tolist(),
        "logits": {"shape": list(masks.shape), "data": base64.b64encode(masks).decode()},
    }


def _fuse(scene: dict, size: tuple[int, int], fusion: PanopticFusion, thresholds: dict) -> dict:
    """The same by TensorFlow; embeddings are unit vectors, so that features are the logits."""
    count = len(scene["scores"])
    proposals = {
        types.PROPOSAL_SCORES: scene["scores"],
        types.PROPOSAL_CLASS_IDS: scene["class_ids"],
        types.MASK_EMBEDDINGS: np.eye(count, dtype=np.float32),
        types.MASK_FEATURES: scene["logits"],
    }
    cells = np.array(scene["logits"].shape[:2], np.int32)
    found = fusion(
        {name: tf.constant(value) for name, value in proposals.items()},
        tf.constant(cells * STRIDE),
        tf.constant(size),
        tf.constant(IS_THING),
        STRIDE,
        thresholds,
    )
    return {name: value.numpy() for name, value in found.items()}


CASES = {
    "usual": (PanopticFusion(0.2, 0.5, 16), {}),
    "everything takes part": (PanopticFusion(0.0, 0.0, 0), {}),
    "strict": (PanopticFusion(0.5, 0.8, 200), {}),
    "own threshold for stuff": (PanopticFusion(0.1, 0.5, 16, stuff_score_threshold=0.6), {}),
    "own share for stuff": (PanopticFusion(0.1, 0.8, 16, stuff_overlap_threshold=0.2), {}),
    "own thresholds for classes": (
        PanopticFusion(0.3, 0.5, 16, class_score_thresholds=(0.7, None, 0.1, None)),
        {},
    ),
    "runner-up": (PanopticFusion(0.1, 0.7, 50, runner_up=True), {}),
    "mask quality": (PanopticFusion(0.1, 0.5, 16, mask_quality=True), {}),
    "both": (PanopticFusion(0.1, 0.7, 50, mask_quality=True, runner_up=True), {}),
    "sliders": (
        PanopticFusion(0.2, 0.5, 16),
        {"score_threshold": 0.35, "overlap_threshold": 0.65, "min_area": 120},
    ),
    "sliders up": (PanopticFusion(0.2, 0.5, 16), {"score_threshold": 1.0}),
}
SIZES = {
    "enlarged": ((15, 20), (61, 83)),
    "reduced": ((40, 52), (33, 47)),
    "thin": ((1, 9), (3, 90)),
}


@pytest.mark.parametrize(
    "case, size",
    [(case, "enlarged") for case in CASES]
    + [(case, size) for case in ("usual", "both") for size in ("reduced", "thin")],
)
def test_the_map_is_that_of_the_python_fusion(page, case, size):
    fusion, thresholds = CASES[case]
    cells, pixels = SIZES[size]
    num_segments = 0
    for seed in range(2):
        scene = _scene(seed, cells)
        request = {"answer": _answer(scene, pixels, fusion), "thresholds": thresholds}
        found = page.evaluate(FUSE, request | {"isThing": IS_THING})
        wanted = _fuse(scene, pixels, fusion, thresholds)
        np.testing.assert_array_equal(
            np.reshape(found["map"], pixels), wanted[types.PANOPTIC_MAP], f"seed {seed}"
        )
        rows = found["segments"]
        assert [row["id"] for row in rows] == wanted[types.SEGMENT_IDS].tolist()
        assert [row["classId"] for row in rows] == wanted[types.SEGMENT_CLASS_IDS].tolist()
        assert [row["area"] for row in rows] == wanted[types.SEGMENT_AREAS].tolist()
        boxes = [[row[name] for name in ("y0", "x0", "y1", "x1")] for row in rows]
        assert boxes == wanted[types.SEGMENT_BOXES].tolist()
        np.testing.assert_allclose(
            [row["score"] for row in rows], wanted[types.SEGMENT_SCORES], rtol=1e-6
        )
        num_segments += len(rows)
    assert num_segments == 0 if case == "sliders up" else num_segments > 0


def test_sliders_hold_for_all_classes_and_those_at_their_own_place_change_nothing(page):
    cells, pixels = SIZES["enlarged"]
    scene = _scene(3, cells)
    narrow = {"stuff_score_threshold": 0.7, "stuff_overlap_threshold": 0.0}
    fusion = PanopticFusion(0.2, 0.8, 16, class_score_thresholds=(0.6, None, None, None), **narrow)
    own = {"score_threshold": 0.2, "overlap_threshold": 0.8}
    for given, wanted in (
        ({}, fusion),
        (own, fusion),
        ({"score_threshold": 0.4}, PanopticFusion(0.4, 0.8, 16, stuff_overlap_threshold=0.0)),
        (
            {"overlap_threshold": 0.6},
            dataclasses.replace(fusion, overlap_threshold=0.6, stuff_overlap_threshold=None),
        ),
        ({"score_threshold": 0.4, "overlap_threshold": 0.6}, PanopticFusion(0.4, 0.6, 16)),
    ):
        request = {"answer": _answer(scene, pixels, fusion), "thresholds": given}
        found = page.evaluate(FUSE, request | {"isThing": IS_THING})
        expected = _fuse(scene, pixels, wanted, {})[types.PANOPTIC_MAP]
        np.testing.assert_array_equal(np.reshape(found["map"], pixels), expected, str(given))


def test_curves_change_only_the_shown_scores(page):
    fusion, (cells, pixels) = PanopticFusion(0.1, 0.5, 16), SIZES["enlarged"]
    curves = ScoreCurves(
        np.tile(np.float32([0.45, 0.6, 0.7]), [4, 1]),
        np.float32([[0.0, 0.1, 0.9], [0.3, 0.3, 0.8], [0.1, 0.2, 0.3], [0.5, 0.5, 0.5]]),
    )
    by_class = {str(i): rows for i, rows in enumerate(np.stack(curves, 1).tolist())}
    scores, classes, shown = [], [], []
    for seed in range(4):
        plain = _answer(_scene(seed, cells), pixels, fusion)
        request = {"isThing": IS_THING, "thresholds": {}}
        before = page.evaluate(FUSE, request | {"answer": plain})
        found = page.evaluate(FUSE, request | {"answer": plain | {"score_curves": by_class}})
        assert found["map"] == before["map"]
        scores += [row["score"] for row in before["segments"]]
        classes += [row["classId"] for row in before["segments"]]
        shown += [row["score"] for row in found["segments"]]
    scores, classes = np.float32(scores), np.array(classes)
    assert scores.min() < 0.45 and scores.max() > 0.7 and len(set(classes.tolist())) > 2
    np.testing.assert_allclose(shown, recalibrated(curves, scores, classes), atol=1e-6)


def test_no_proposals_give_an_empty_map(page):
    scene = _scene(0, (8, 8), count=1)
    answer = _answer(scene, (9, 9), PanopticFusion())
    answer |= {"scores": [], "class_ids": [], "logits": {"shape": [0, 8, 8], "data": ""}}
    request = {"answer": answer, "isThing": IS_THING, "thresholds": {}}
    found = page.evaluate(FUSE, request)
    assert found == {"map": [0] * 81, "segments": []}


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 300)])
def test_run_lengths_are_those_of_coco(page, size, share):
    mask = (np.random.default_rng(0).random(size) < share).astype(np.uint8)
    height, width = size
    request = {"map": mask.ravel().tolist(), "height": height, "width": width}
    answer = page.evaluate(RUNS, request)
    wanted = coco_mask.encode(np.asfortranarray(mask))
    assert answer["found"] == {"size": list(size), "counts": wanted["counts"].decode()}
    np.testing.assert_array_equal(np.reshape(answer["back"], size), mask)
