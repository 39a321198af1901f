"""Compares how many things are found among those that share a center and among all others.

    python benchmarks/shared_centers.py --scenes runs/demo/scenes --results RUN [RUN ...]

RUN is a folder that `maskconver evaluate` wrote for the val part of the scenes. A thing is found
when a predicted segment of its class has an IoU above one half with it, as in panoptic quality.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.synthetic.shared_centers import shared_center_segment_ids
from maskconver_tf.evaluation.coco_results import PanopticAnnotation, read_coco_panoptic


def found_ids(truth: PanopticAnnotation, predicted: PanopticAnnotation) -> set[int]:
    """Ids of the true segments that a predicted segment of the same class matches."""
    found = set()
    for segment in truth.segments:
        mask = truth.panoptic_map == segment.id
        for other in predicted.segments:
            if other.class_id != segment.class_id:
                continue
            mine = predicted.panoptic_map == other.id
            union = np.sum((mask | mine) & ((truth.panoptic_map != 0) | mask))
            if 2 * np.sum(mask & mine) > union:
                found.add(segment.id)
    return found


def recalls(scenes: Path, results: Path) -> tuple[float, float, int, int]:
    """The share of found things, with and without a shared center, and the number of each."""
    annotations = scenes / "panoptic_val.json"
    content = json.loads(annotations.read_text(encoding="utf-8"))
    categories = Categories.from_coco(content["categories"], str(annotations))
    predicted = read_coco_panoptic(
        results / "predictions.json", results / "predictions", categories
    )
    predicted = {picture.image_id: picture for picture in predicted}
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for truth in read_coco_panoptic(annotations, scenes / "panoptic/val", categories):
        things = [s for s in truth.segments if categories[s.class_id].isthing and not s.is_crowd]
        infos = [
            {"id": s.id, "category_id": categories[s.class_id].id, "iscrowd": 0} for s in things
        ]
        shared = shared_center_segment_ids(truth.panoptic_map, infos)
        found = found_ids(truth, predicted[truth.image_id])
        for segment in things:
            hits[segment.id in shared].append(segment.id in found)
    return np.mean(hits[True]), np.mean(hits[False]), len(hits[True]), len(hits[False])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scenes", type=Path, required=True, metavar="DIR", help="what `data synth` wrote"
    )
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        required=True,
        metavar="RUN",
        help="folders that `maskconver evaluate` wrote",
    )
    args = parser.parse_args()
    for i, results in enumerate(args.results):
        shared, others, num_shared, num_others = recalls(args.scenes, results)
        if not i:
            print(f"| run | {num_shared} things that share a center | {num_others} others |")
            print("|---|---|---|")
        print(f"| {results.name} | {100 * shared:.1f} % | {100 * others:.1f} % |")


if __name__ == "__main__":
    main()
