"""`maskconver score` against two references that share no code with it, on files that try it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.scoring.reading.picture_pairs import coco_pairs
from maskconver_tf.evaluation.scoring.score import score_files
from tests.golden.reference_panoptic_quality import ReferencePanopticQuality
from tests.golden.scoring.adversarial_files import (
    CATEGORIES,
    Files,
    Picture,
    adversarial_pictures,
    write_files,
    write_ids,
    write_side,
)
from tests.golden.scoring.coco_program_reference import coco_program

GROUPS = ("all", "things", "stuff")
SEEDS = range(6)


def scores(files: Files, workers: int = 1, strict: bool = False, boundary: bool = False) -> dict:
    pairs = coco_pairs(files[:2], [files[2:]], strict=strict)
    return score_files(pairs, workers, strict, boundary).results


def headline(results: dict, group: str) -> tuple:
    return tuple(results[group][name] for name in ("pq", "sq", "rq", "num_classes"))


def in_percent(reference: tuple | None) -> tuple:
    return (
        (None, None, None, 0)
        if reference is None
        else (
            *(100.0 * float(value) for value in reference[:3]),
            reference[3],
        )
    )


@pytest.fixture
def adversarial(tmp_path, request) -> Files:
    return write_files(tmp_path, adversarial_pictures(getattr(request, "param", 0)))


# ---- Equal to the references ---------------------------------------------------------------------
@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_strict_is_cocos_program_to_the_last_bit(adversarial):
    results, reference = scores(adversarial, strict=True), coco_program(*adversarial)
    for group in GROUPS:
        assert headline(results, group) == in_percent(reference[group])
    assert 10 < results["all"]["pq"] < 90, "nothing is matched or all is, so nothing was tested"


@pytest.mark.parametrize("adversarial", SEEDS, indirect=True)
def test_the_default_is_the_paper(adversarial):
    results = scores(adversarial)
    for group, expected in exact_quality(adversarial).items():
        assert headline(results, group)[:3] == pytest.approx(in_percent(expected)[:3], abs=1e-9)


def exact_quality(files: Files) -> dict:
    """PQ with fractions and one mask per pair of segments; see `ReferencePanopticQuality`."""
    is_thing = [bool(category["isthing"]) for category in CATEGORIES]
    reference = ReferencePanopticQuality(len(is_thing), is_thing)
    found = {p.image_id: p for p in read_coco_panoptic(files.pred, files.pred_png)}
    for truth in read_coco_panoptic(files.truth, files.truth_png):
        predicted = found[truth.image_id]
        reference.update(
            truth.panoptic_map, truth.segments, predicted.panoptic_map, predicted.segments
        )
    groups = ([True] * len(is_thing), is_thing, [not thing for thing in is_thing])
    return {name: reference.average(group) for name, group in zip(GROUPS, groups, strict=True)}


def test_perturbed_truth_of_coco(coco200, tmp_path):
    """Segments lose and gain pixels at their borders, some change class, some are lost."""
    content = json.loads((coco200 / "panoptic_val.json").read_text())
    random, kept = np.random.default_rng(0), content["annotations"][:30]
    known = [category["id"] for category in content["categories"]]
    pictures = []
    for entry in kept:
        pixels = np.asarray(Image.open(coco200 / "panoptic/val" / entry["file_name"]))
        ids = pixels.astype(np.int64) @ [1, 256, 65536]
        ids = np.where(random.random(ids.shape) < 0.02, 0, np.roll(ids, random.integers(0, 9), 0))
        infos = [dict(info) for info in entry["segments_info"] if (ids == info["id"]).any()]
        for info in infos:
            if random.random() < 0.2:
                info["category_id"] = int(random.choice(known))
        pictures.append((entry["image_id"], Picture(ids, infos)))
    files = Files(
        tmp_path / "t.json", coco200 / "panoptic/val", tmp_path / "p.json", tmp_path / "p"
    )
    files.truth.write_text(json.dumps(content | {"annotations": kept}))
    write_side(files.pred, files.pred_png, pictures)
    reference, results = coco_program(*files), scores(files, strict=True)
    default = scores(files)
    for group in GROUPS:
        assert headline(results, group) == in_percent(reference[group])
        assert headline(default, group) == pytest.approx(in_percent(reference[group]), abs=1e-9)
    assert 20 < default["all"]["pq"] < 95


# ---- No score changes in any bit -----------------------------------------------------------------
@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_processes_changes_no_bit(adversarial, workers):
    assert scores(adversarial, workers, boundary=True) == scores(adversarial, boundary=True)


def test_the_order_of_the_pictures_changes_no_bit(adversarial):
    before = scores(adversarial, boundary=True)
    for path in (adversarial.truth, adversarial.pred):
        content = json.loads(path.read_text())
        content["annotations"].reverse()
        path.write_text(json.dumps(content))
    assert scores(adversarial, boundary=True) == before


def test_new_segment_ids_change_no_bit(tmp_path):
    pictures = adversarial_pictures(1)
    before = scores(write_files(tmp_path / "before", pictures), boundary=True)
    renumbered = [(i, _renumbered(truth), _renumbered(found)) for i, truth, found in pictures]
    assert scores(write_files(tmp_path / "after", renumbered), boundary=True) == before


def _renumbered(picture: Picture) -> Picture:
    new = {info["id"]: number for number, info in enumerate(picture.infos[::-1], 1)} | {0: 0}
    ids = np.vectorize(new.__getitem__, otypes=[np.int64])(picture.ids)
    return Picture(ids, [info | {"id": new[info["id"]]} for info in picture.infos])


def test_predictions_painted_inside_void_change_no_bit(tmp_path):
    pictures = adversarial_pictures(2)
    before = scores(write_files(tmp_path / "before", pictures))
    painted = [(i, truth, _painted(truth, found)) for i, truth, found in pictures]
    assert sum(len(found.infos) for *_, found in painted) > sum(len(f.infos) for *_, f in pictures)
    after = scores(write_files(tmp_path / "after", painted))
    assert _without_pixels_on_void(after) == _without_pixels_on_void(before)


def _without_pixels_on_void(results: dict) -> dict:
    """Leaves out the counts of what is predicted on void; they are no scores."""
    confusion = [
        entry | {"pixels": None if entry["truth"] is None else entry["pixels"]}
        for entry in results["confusion"]
        if entry["truth"] is not None or entry["segments"]
    ]
    return results | {"confusion": confusion}


def _painted(truth: Picture, found: Picture) -> Picture:
    free = (truth.ids == 0) & (found.ids == 0)
    if not free.any():
        return found
    info = {"id": 5, "category_id": 3, "iscrowd": 0, "area": int(free.sum()), "score": 0.9}
    return Picture(np.where(free, 5, found.ids), [*found.infos, info])


# ---- Traps of COCO's program ---------------------------------------------------------------------
def two_crowds() -> tuple[Picture, Picture]:
    """A prediction on two crowds of its class, and one on void."""
    truth = np.array([[1, 1, 2, 2, 0, 0]])
    found = np.array([[7, 7, 7, 7, 8, 8]])
    infos = [{"id": i, "category_id": 3, "iscrowd": 1, "area": 2} for i in (1, 2)]
    predicted = [{"id": i, "category_id": 3, "iscrowd": 0, "area": 0} for i in (7, 8)]
    return Picture(truth, infos), Picture(found, predicted)


def test_only_the_last_crowd_of_a_class_forgives(tmp_path):
    files = write_files(tmp_path, [(1, *two_crowds())])
    for strict in (False, True):
        assert scores(files, strict=strict)["per_class"]["cat"]["fp"] == 1  # Half of 7 is on 2.


def test_areas_of_the_file_are_used_only_in_strict_mode(tmp_path):
    truth, found = np.array([[1, 1, 1, 1, 0]]), np.array([[7, 7, 7, 0, 0]])
    info = {"id": 1, "category_id": 3, "iscrowd": 0, "area": 40}
    picture = Picture(found, [{"id": 7, "category_id": 3, "iscrowd": 0, "area": 1}])
    files = write_files(tmp_path, [(1, Picture(truth, [info]), picture)])
    default, strict = scores(files), scores(files, strict=True)
    assert default["all"]["pq"] == 75
    assert strict["all"]["pq"] == 0 == in_percent(coco_program(*files)["all"])[0]
    program = default["coco_program"]
    assert (program["pq"]["all"], program["difference"]["all"]) == (0, -75)
    assert program["pictures_with_other_areas"] == 1
    assert program["first_segment_with_other_area"] == {"image_id": 1, "segment_id": 1}


def test_of_repeated_ids_the_last_counts_in_strict_mode(tmp_path):
    files = write_files(tmp_path, adversarial_pictures(3))
    for path in (files.truth, files.pred):
        content = json.loads(path.read_text())
        for entry in content["annotations"]:
            infos = entry["segments_info"]
            entry["segments_info"] = [{**info, "category_id": 7} for info in infos[:2]] + infos
        path.write_text(json.dumps(content))
    results, reference = scores(files, strict=True), coco_program(*files)
    assert headline(results, "all") == in_percent(reference["all"])


def test_pixels_that_the_truth_does_not_list_are_no_void_in_strict_mode(tmp_path):
    files = write_files(tmp_path, adversarial_pictures(4))
    content = json.loads(files.truth.read_text())
    for entry in content["annotations"]:
        del entry["segments_info"][:1]
    files.truth.write_text(json.dumps(content))
    results, reference = scores(files, strict=True), coco_program(*files)
    for group in GROUPS:
        assert headline(results, group) == in_percent(reference[group])


def test_rgba_and_palette_files_hold_the_same_ids(tmp_path):
    pictures = adversarial_pictures(5)
    files = write_files(tmp_path, pictures)
    before = scores(files)
    for number, path in enumerate(sorted(files.pred_png.iterdir())):
        picture = Image.open(path)
        other = picture.convert("RGBA") if number % 2 else picture.quantize(256)
        other.save(path)
        assert np.array_equal(np.asarray(other.convert("RGB")), np.asarray(picture))
    assert scores(files) == before


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("isthing", [0, 1])
def test_a_group_without_a_class_has_no_score(tmp_path, isthing, strict):
    category = next(entry["id"] for entry in CATEGORIES if entry["isthing"] == isthing)
    info = {"id": 1, "category_id": category, "iscrowd": 0, "area": 4}
    picture = Picture(np.ones((2, 2), int), [info])
    results = scores(write_files(tmp_path, [(1, picture, picture)]), strict=strict)
    empty = "stuff" if isthing else "things"
    assert results[empty]["pq"] is None and results["all"]["pq"] == 100


def test_large_ids_reach_the_counts(tmp_path):
    ids = np.array([[2**24 - 1, 2**16], [255, 256]])
    infos = [
        {"id": number, "category_id": category, "iscrowd": 0, "area": 1}
        for number, category in zip(ids.ravel().tolist(), (3, 7, 3, 7), strict=True)
    ]
    files = write_files(tmp_path, [(1, Picture(ids, infos), Picture(ids, infos))])
    assert scores(files)["all"]["pq"] == 100
    write_ids(files.pred_png / "1.png", ids[:, ::-1])
    assert scores(files)["all"]["pq"] == 0
