"""Shows on small pictures where the Model Garden's metric differs from COCO's rules.

This package follows COCO's rules. The script runs its `PanopticQuality`, and
`official.vision.evaluation.panoptic_quality` of tf-models-official, which is a dependency of this
package. The Model Garden's metric takes a crowd as an instance of the ignored label.

python benchmarks/metric_differences.py
"""

from __future__ import annotations

import argparse

import numpy as np
from official.vision.evaluation.panoptic_quality import PanopticQuality as ModelGardenQuality

from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.types import Segment

CAT, DOG, SKY = range(3)
IS_THING = np.array([True, True, False])
MOST_INSTANCES = 256
"""Room for instances of a class; 256 is the value of the Model Garden's panoptic configurations."""

Side = tuple[np.ndarray, list[Segment]]


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    ).parse_args()
    print(f"{'picture':44s} {'group':8s} {'here':>8s} {'Model Garden':>14s}")
    for name, group, truth, predicted in cases():
        ours, theirs = our_quality(truth, predicted), model_garden_quality(truth, predicted)
        print(f"{name:44s} {group:8s} {100 * ours[group]:8.2f} {100 * theirs[group]:14.2f}")


def cases() -> list[tuple[str, str, Side, Side]]:
    letters = {"a": Segment(1, CAT), "d": Segment(2, DOG), "s": Segment(3, SKY)}
    crowd = letters | {"c": Segment(4, CAT, is_crowd=True)}
    row = np.arange(1, 301)[np.newaxis]
    many = [Segment(int(i), CAT) for i in row[0]]
    return [
        (
            "a cat reaches into void",
            "all",
            picture("aa..ssss aa..ssss", letters),
            picture("aaa.ssss aaa.ssss", letters),
        ),
        (
            "a dog is predicted on a crowd of cats",
            "all",
            picture("ccccssss ccccssss", crowd),
            picture("ddddssss ddddssss", letters),
        ),
        (
            f"300 cats, all found, room for {MOST_INSTANCES}",
            "things",
            (row, many),
            (np.roll(row, 1), many),
        ),
        ("no thing anywhere", "things", picture("ssss", letters), picture("ssss", letters)),
    ]


def picture(rows: str, letters: dict[str, Segment]) -> Side:
    """Makes a map from letters; a dot is void."""
    ids = np.array([[letters[c].id if c in letters else 0 for c in row] for row in rows.split()])
    return ids, [segment for segment in letters.values() if (ids == segment.id).any()]


def our_quality(truth: Side, predicted: Side) -> dict[str, float]:
    quality = PanopticQuality(len(IS_THING), IS_THING)
    quality.update(*truth, *predicted)
    result = quality.result()
    return {name: getattr(result, name).pq for name in ("all", "things")}


def model_garden_quality(truth: Side, predicted: Side) -> dict[str, float]:
    num_labels = len(IS_THING) + 1  # 0 is void.
    metric = ModelGardenQuality(num_labels, 0, MOST_INSTANCES, 256**3)
    metric.compare_and_accumulate(_two_maps(truth), _two_maps(predicted))
    result = metric.result(np.append(False, IS_THING))
    return {name.lower(): result[f"{name}_pq"] for name in ("All", "Things")}


def _two_maps(side: Side) -> dict[str, np.ndarray]:
    ids, segments = side
    categories, instances = np.zeros(ids.shape, np.uint16), np.zeros(ids.shape, np.uint16)
    for number, segment in enumerate(segments, start=1):
        here = ids == segment.id
        categories[here] = 0 if segment.is_crowd else segment.class_id + 1
        instances[here] = number if IS_THING[segment.class_id] else 0
    return {"category_mask": categories, "instance_mask": instances}


if __name__ == "__main__":
    main()
