"""Times the steps that make one training example, one after the other on one thread.

    python benchmarks/input_steps.py --data DIR [--sizes 256,640,1280]

DIR is a dataset folder that `maskconver data build` wrote. Each step runs over 40 pictures of it.
"""

from __future__ import annotations

import argparse
import functools
import os
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.input import transforms
from maskconver_tf.input.shard_reader import read_serialized_examples
from maskconver_tf.input.targets import TargetBuilder

NUM_SLOTS = 248
LEVELS = (3, 4, 5, 6, 7)


def steps(data: str, size: int) -> Iterator[tuple[str, Callable, list]]:
    """Name, function and inputs of each step that makes an example of the input size."""
    canvas = (size, size)
    parsed = [codec.parse(s) for s in read_serialized_examples(DatasetFolder(data), 40)]
    decoded = [codec.decode(example) for example in parsed]
    images = [example[types.IMAGE] for example in decoded]
    maps = [tf.cast(example[types.SEGMENT_MAP], tf.uint16) for example in decoded]
    sizes = [transforms.fitted_size(tf.shape(image)[:2], canvas) for image in images]
    scaled = [transforms.resize_image(*pair) for pair in zip(images, sizes)]
    labels = [
        (
            transforms.resize_map(example[types.SEGMENT_MAP], size),
            example[types.SEGMENT_CLASS_IDS],
            example[types.SEGMENT_IS_CROWD],
        )
        for example, size in zip(decoded, sizes)
    ]
    encoded = [(example[types.IMAGE],) for example in parsed]
    encoded_maps = [(example[types.SEGMENT_MAP],) for example in parsed]
    yield "no work (cost of a call)", tf.identity, [(image,) for image in images]
    yield "decode picture", functools.partial(tf.io.decode_jpeg, channels=3), encoded
    yield "decode map", functools.partial(tf.io.decode_png, dtype=tf.uint16), encoded_maps
    yield "scale picture", transforms.resize_image, list(zip(images, sizes))
    yield "scale map", transforms.resize_map, list(zip(maps, sizes))
    yield "mirror picture", lambda image: tf.reverse(image, [1]), [(image,) for image in scaled]
    yield (
        "pad picture",
        lambda image: transforms.pad_to_canvas(image, canvas),
        [(i,) for i in scaled],
    )
    builder = TargetBuilder(NUM_SLOTS, LEVELS)
    yield "labels", functools.partial(builder, input_size=canvas), labels


def profile(data: str, size: int) -> None:
    """Prints the processor time of each traced step, as the mean over pictures."""
    print(f"\n{size} px, one thread\n\n| step | CPU ms/example |\n|---|---|")
    for name, function, inputs in steps(data, size):
        traced = tf.function(function, autograph=False, reduce_retracing=True)
        for arguments in inputs:
            traced(*arguments)
        times = []
        for _ in range(3):
            start = time.process_time()
            for arguments in inputs:
                traced(*arguments)
            times.append(1e3 * (time.process_time() - start) / len(inputs))
        print(f"| {name} | {np.min(times):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="dataset folder")
    parser.add_argument("--sizes", default="256,640,1280", help="input sizes, multiples of 32")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for size in args.sizes.split(","):
        profile(args.data, int(size))


if __name__ == "__main__":
    main()
