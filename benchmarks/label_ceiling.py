"""PQ of truth itself after labels, mask grid and fusion: what a perfect model would score.

    python benchmarks/label_ceiling.py --data DIR --sizes 256,384

DIR is a dataset folder that `maskconver data build` wrote. No model takes part.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.data import records, transforms
from maskconver_tf.data.pipeline import read_serialized
from maskconver_tf.data.targets import TargetBuilder
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

MASK_STRIDE = 4
NUM_SLOTS = 128


def cell_shares(slot_map: np.ndarray, label_stride: int) -> np.ndarray:
    """Share of each mask cell that belongs to each slot; float32 `[h, w, NUM_SLOTS]`."""
    ratio = MASK_STRIDE // label_stride
    height, width = slot_map.shape[0] // ratio, slot_map.shape[1] // ratio
    one_hot = np.eye(NUM_SLOTS + 1, dtype=np.float32)[slot_map]  # The last row stands for void.
    cells = one_hot.reshape(height, ratio, width, ratio, NUM_SLOTS + 1)
    return cells.mean(axis=(1, 3))[..., :NUM_SLOTS]


def perfect_prediction(
    example: dict[str, tf.Tensor], size: int, label_stride: int, is_thing: np.ndarray
) -> dict[str, tf.Tensor]:
    """The fusion of proposals whose masks are the labels and whose scores are 1."""
    _, segment_map, content_size = transforms.fit(
        example[types.IMAGE], example[types.SEGMENT_MAP], (size, size)
    )
    bounds = tuple(size * share for share in (0.125, 0.25, 0.5, 1.0))
    build_targets = TargetBuilder(NUM_SLOTS, level_bounds=bounds, label_stride=label_stride)
    labels = build_targets(
        segment_map, example[types.SEGMENT_CLASS_IDS], example[types.SEGMENT_IS_CROWD]
    )
    class_ids = labels[types.SLOT_CLASS_IDS]
    present = tf.reduce_sum(tf.cast(class_ids >= 0, tf.int32))
    proposals = {
        types.PROPOSAL_SCORES: tf.ones([present]),
        types.PROPOSAL_CLASS_IDS: class_ids[:present],
        types.MASK_EMBEDDINGS: 20.0 * tf.eye(NUM_SLOTS)[:present],
        types.MASK_FEATURES: cell_shares(labels[types.SLOT_MAP].numpy(), label_stride) - 0.5,
    }
    return PanopticFusion()(
        proposals, content_size, example[types.IMAGE_SIZE], tf.constant(is_thing), MASK_STRIDE
    )


def ceiling(data: str, size: int, label_stride: int, max_examples: int | None) -> float:
    """PQ in percent of perfect predictions over a dataset."""
    folder = records.DatasetFolder(data)
    quality = PanopticQuality(len(folder.categories), folder.categories.is_thing)
    for serialized in read_serialized(folder, max_examples):
        example = records.decode(records.parse(serialized))
        found = perfect_prediction(example, size, label_stride, folder.categories.is_thing)
        truth = {name: value.numpy() for name, value in example.items()}
        quality.update(
            truth[types.SEGMENT_MAP],
            records.truth_segments(truth),
            found[types.PANOPTIC_MAP].numpy(),
            types.segments_from_arrays(found),
        )
    return 100.0 * quality.result().all.pq


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="dataset folder")
    parser.add_argument("--sizes", default="256,384", help="input sizes in pixels, multiples of 32")
    parser.add_argument("--max_examples", type=int, metavar="N", help="use the first N only")
    args = parser.parse_args()
    print("| input | labels at stride 4 | stride 2 | stride 1 |\n|---|---|---|---|")
    for size in map(int, args.sizes.split(",")):
        scores = [ceiling(args.data, size, stride, args.max_examples) for stride in (4, 2, 1)]
        print(f"| {size} px | " + " | ".join(f"{score:.1f}" for score in scores) + " |", flush=True)


if __name__ == "__main__":
    main()
