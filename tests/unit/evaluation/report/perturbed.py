"""Predictions that differ from the truth in many ways, written as `maskconver evaluate` does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.coco_results import read_coco_panoptic
from maskconver_tf.evaluation.writing.coco_writer import CocoPanopticWriter
from maskconver_tf.files.json_file import read_json
from maskconver_tf.types import Segment


def write_perturbed(
    truth: Path, png_folder: Path, out: Path, seed: int = 0, shift: int = 2
) -> Path:
    """Moves all masks, drops and invents segments, and changes classes; returns the JSON file."""
    random = np.random.default_rng(seed)
    content = read_json(truth, "the truth")
    categories = Categories.from_coco(content["categories"], str(truth))
    names = {image["id"]: image["file_name"] for image in content["images"]}
    with CocoPanopticWriter(out, categories) as writer:
        for picture in read_coco_panoptic(truth, png_folder, categories):
            moved = np.roll(picture.panoptic_map, (shift, -shift), (0, 1))
            segments = _changed([s for s in picture.segments if not s.is_crowd], categories, random)
            kept = [segment.id for segment in segments]
            moved = np.where(np.isin(moved, kept), moved, 0)
            invented = int(moved.max()) + 1
            if invented < 2**24 and moved.shape[0] > 12:
                moved[2:9, 2:9] = invented
                segments.append(Segment(invented, int(categories.is_thing.argmax()), score=0.31))
            shown = set(np.unique(moved).tolist())
            segments = [segment for segment in segments if segment.id in shown]
            writer.add(picture.image_id, names[picture.image_id], moved, segments)
    return out / "predictions.json"


def _changed(
    segments: list[Segment], categories: Categories, random: np.random.Generator
) -> list[Segment]:
    changed = []
    for segment in segments:
        draw, score = random.uniform(), float(random.uniform(0.2, 1))
        if draw < 0.15:
            continue
        class_id = segment.class_id
        if draw > 0.85 and categories[class_id].isthing:
            things = np.flatnonzero(categories.is_thing)
            class_id = int(things[(np.flatnonzero(things == class_id)[0] + 1) % len(things)])
        changed.append(dataclasses.replace(segment, class_id=class_id, score=score))
    return changed
