"""Where quality is lost, on files that try the rules: against PQ, painted maps and plain counts."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.coco_results import PanopticAnnotation, read_coco_panoptic
from maskconver_tf.evaluation.lost_quality.kinds import KINDS
from maskconver_tf.evaluation.lost_quality.picture_errors import picture_errors
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import Scoring, score_files, write_scoring
from maskconver_tf.types import Segment
from tests.golden.scoring.adversarial_files import (
    CATEGORIES,
    Files,
    adversarial_pictures,
    write_files,
)

CLASSES = Categories.from_coco(CATEGORIES, "test")
GROUPS = ("all", "things", "stuff")
SEEDS = range(4)


@pytest.fixture
def adversarial(tmp_path, request) -> Files:
    return write_files(tmp_path, adversarial_pictures(getattr(request, "param", 0)))


def scored(files: Files, **options: bool) -> Scoring:
    return score_files(
        coco_pairs(files[:2], [files[2:]], strict=options.get("strict", False)), 1, **options
    )


def sides(files: Files) -> list[tuple[PanopticAnnotation, PanopticAnnotation]]:
    found = {p.image_id: p for p in read_coco_panoptic(files.pred, files.pred_png, CLASSES)}
    truths = read_coco_panoptic(files.truth, files.truth_png, CLASSES)
    return [(truth, found[truth.image_id]) for truth in truths]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_shares_add_up_to_the_distance_to_100(adversarial, strict):
    results = scored(adversarial, strict=strict).results
    parts = [(results["lost"][group], results[group]["pq"]) for group in GROUPS]
    for name, entry in results["per_class"].items():
        parts.append((results["lost"]["per_class"][name], entry["pq"]))
        if entry["pq"] is not None:
            inexact = results["lost"]["per_class"][name]["inexact_mask"]
            assert inexact == pytest.approx(entry["rq"] - entry["pq"], abs=1e-9)
    for shares, pq in parts:
        if pq is None:
            assert shares is None
        else:
            assert sum(shares[kind] for kind in KINDS) == pytest.approx(100 - pq, abs=1e-9)
            assert shares["total"] == pytest.approx(100 - pq, abs=1e-9)
            assert all(share >= 0 for share in shares.values())
    assert sum(results["lost"]["segments"]["all"].values()) > 10


@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_every_segment_has_a_row_and_rows_add_up(adversarial, tmp_path):
    scoring = scored(adversarial)
    write_scoring(tmp_path / "out", scoring)
    rows = list(csv.DictReader((tmp_path / "out" / "per_segment.csv").open()))
    for name, entry in scoring.results["per_class"].items():
        own = [row for row in rows if row["class"] == name]
        for outcome in ("tp", "fp", "fn"):
            assert sum(row["outcome"] == outcome for row in own) == entry[outcome]
        for kind, share in (scoring.results["lost"]["per_class"][name] or {}).items():
            if kind != "total":
                lost = sum(float(row["lost"]) for row in own if row["kind"] == kind)
                assert lost == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_rows_are_the_errors_of_the_pictures(adversarial):
    rows = [row for row in scored(adversarial).losses[0].segments() if row[2]]
    names, expected = CLASSES.names, []
    for truth, found in sides(adversarial):
        maps = truth.panoptic_map, truth.segments, found.panoptic_map, found.segments
        expected += [
            (
                truth.image_id,
                {None: "tp", True: "fn", False: "fp"}[e.is_truth],
                e.kind,
                names[e.class_id],
                "" if e.other_class_id is None else names[e.other_class_id],
                e.truth_id or "",
                e.prediction_id or "",
                e.iou,
                e.area,
                "" if e.score is None else e.score,
            )
            for e in picture_errors(*maps, CLASSES).errors
        ]
    assert sorted(map(repr, expected)) == sorted(repr(row[:-1]) for row in rows)


@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_fixes_are_those_of_painted_predictions(adversarial):
    """Paints each fix into the predicted maps, and lets `PanopticQuality` count them."""
    fixes = scored(adversarial).results["fixes"]
    for kind in KINDS:
        quality = PanopticQuality(len(CLASSES), CLASSES.is_thing)
        for truth, found in sides(adversarial):
            mended = painted(truth, found, kind)
            quality.update(truth.panoptic_map, truth.segments, *mended)
        result = quality.result()
        for group in GROUPS:
            assert fixes[kind][group]["pq"] == pytest.approx(100 * getattr(result, group).pq)
            assert fixes[kind][group]["gain"] >= 0
        for i, name in enumerate(CLASSES.names):
            if fixes[kind]["per_class"][name] and fixes[kind]["per_class"][name]["pq"] is not None:
                pq = fixes[kind]["per_class"][name]["pq"]
                assert pq == pytest.approx(100 * result.pq[i])


def painted(truth: PanopticAnnotation, found: PanopticAnnotation, kind: str) -> tuple:
    maps = truth.panoptic_map, truth.segments, found.panoptic_map, found.segments
    errors = [e for e in picture_errors(*maps, CLASSES).errors if e.kind == kind]
    classes = {s.id: s.class_id for s in found.segments}
    ids = found.panoptic_map.copy()
    if kind == "wrong_class":
        classes |= {e.prediction_id: e.class_id for e in errors if e.is_truth}
        return ids, [Segment(i, class_id) for i, class_id in classes.items()]
    for e in errors:
        if e.is_truth is not True:
            ids[ids == e.prediction_id] = 0
    for number, e in enumerate(errors):
        if e.is_truth is not False:
            ids[truth.panoptic_map == e.truth_id] = new = 2**25 + number
            classes[new] = e.class_id
    present = set(np.unique(ids).tolist())
    return ids, [Segment(i, class_id) for i, class_id in classes.items() if i in present]


@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_confusion_counts_every_pixel_and_segment(adversarial):
    results = scored(adversarial).results
    pixels, segments = {}, {}
    names = [*CLASSES.names, None]
    for truth, found in sides(adversarial):
        maps = [
            np.vectorize({s.id: s.class_id for s in p.segments}.get)(p.panoptic_map, -1)
            for p in (truth, found)
        ]
        for row, column in zip(*(m.ravel().tolist() for m in maps), strict=True):
            key = names[row], names[column]
            pixels[key] = pixels.get(key, 0) + 1
    confusion = results["confusion"]
    assert pixels == {(e["truth"], e["predicted"]): e["pixels"] for e in confusion if e["pixels"]}
    for entry in confusion:
        segments[entry["truth"], entry["predicted"]] = entry["segments"]
    for name, entry in results["per_class"].items():
        row = sum(n for (truth, _), n in segments.items() if truth == name)
        assert row == entry["tp"] + entry["fn"]
        assert segments.get((name, name), 0) == entry["tp"]
    assert segments.get((None, None), 0) == 0 and sum(segments.values()) > 20


def test_two_models_have_both_sides(adversarial, tmp_path):
    pairs = coco_pairs(adversarial[:2], [adversarial[2:], adversarial[:2]], allow_missing=True)
    names = write_scoring(tmp_path, score_files(pairs, 2))
    assert {"against_per_segment.csv", "per_segment.csv", "recalibration.json"} <= set(names)
