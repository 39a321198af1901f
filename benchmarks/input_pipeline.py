"""Measures the input pipeline beside one that makes dense labels in the usual way.

    python benchmarks/input_pipeline.py --data DIR --sizes 640
    python benchmarks/input_pipeline.py --data DIR --sizes 256,1280 \
        --variants bound,plain,jitter,paste_half,dense_jitter

DIR is a dataset folder that `maskconver data build` wrote. Every variant reads the same records in
its own process, so its peak memory is measured separately. Rounds (`--rounds`) alternate between
the variants, and the best round of each counts. On a shared machine the best round is nearest to
the truth.

    bound         decodes picture and map and scales both to the whole input; does nothing else
    plain         compact labels without augmentation
    jitter        plain, with flip and scale jitter 0.1 to 1.9
    colors        jitter, with color jitter and AutoAugment
    paste_half    jitter, with segments pasted over every second example, as in the paper's recipe
    paste         jitter, with segments pasted over every example
    dense         a normalised float image, heatmaps, and a float mask at half size for each of 248
                  slots. Masks are one-hot at input size and then scaled down
    dense_jitter  dense, with flip and jitter of the same range
    lean_jitter   dense_jitter with masks made directly at half size, the cheapest dense form

input_steps.py times the single steps of the pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.input import transforms
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.input.shard_reader import read_serialized_examples
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.ops.gaussian import draw_heatmap

NUM_SLOTS = 248
LEVELS = (3, 4, 5, 6, 7)
JITTER = {"flip": True, "scale_range": (0.1, 1.9)}
COMPACT = {
    "plain": {"flip": False},
    "jitter": JITTER,
    "colors": JITTER | {"color_jitter": 0.3, "autoaugment": True},
    "paste_half": JITTER | {"copy_paste": 0.5},
    "paste": JITTER | {"copy_paste": 1.0},
}
VARIANTS = ("bound", *COMPACT, "dense", "dense_jitter", "lean_jitter")


# ---- Variants ------------------------------------------------------------------------------------
def batches(variant: str, data: str, size: int, batch_size: int) -> tf.data.Dataset:
    """Batches of one variant, without end."""
    if variant == "bound":
        return _decoded_and_resized(data, size, batch_size)
    if variant in COMPACT:
        compact = TrainingInput(data, (size, size), batch_size, **COMPACT[variant])
        return compact.batches(TargetBuilder(NUM_SLOTS, LEVELS))
    # The masks of eight examples of 1280 px need 3.4 GB, and a pipeline holds several batches.
    batch_size = batch_size if size <= 640 else 1
    return _dense(data, size, batch_size, variant.endswith("jitter"), variant.startswith("lean"))


def _decoded_and_resized(data: str, size: int, batch_size: int) -> tf.data.Dataset:
    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = codec.decode(codec.parse(serialized))
        image = transforms.resize_image(example[types.IMAGE], tf.constant([size, size]))
        segment_map = transforms.resize_map(example[types.SEGMENT_MAP], tf.constant([size, size]))
        return tf.ensure_shape(image, [size, size, 3]), tf.ensure_shape(segment_map, [size, size])

    examples = read_serialized_examples(DatasetFolder(data)).repeat()
    examples = examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return examples.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _dense(
    data: str, size: int, batch_size: int, is_jittered: bool, is_lean: bool
) -> tf.data.Dataset:
    """Dense labels, made with the operations of `official.vision` that such pipelines use."""
    # This import takes seconds, and the other variants do not need it.
    from official.vision.ops import preprocess_ops

    folder = DatasetFolder(data)
    scales = JITTER["scale_range"] if is_jittered else (1.0, 1.0)

    @tf.autograph.experimental.do_not_convert
    def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        example = codec.decode(codec.parse(serialized))
        image = preprocess_ops.normalize_image(example[types.IMAGE])
        masks = example[types.SEGMENT_MAP][tf.newaxis, ..., tf.newaxis]
        if is_jittered:
            image, _, masks = preprocess_ops.random_horizontal_flip(image, masks=masks)
        image, info = preprocess_ops.resize_and_crop_image(image, [size] * 2, [size] * 2, *scales)
        masks = preprocess_ops.resize_and_crop_masks(masks, info[2], [size] * 2, info[3])
        labels = _dense_labels(
            tf.ensure_shape(masks[0, ..., 0], [size, size]),
            example[types.SEGMENT_CLASS_IDS],
            example[types.SEGMENT_IS_CROWD],
            len(folder.categories),
            is_lean,
        )
        return {"image": tf.ensure_shape(image, [size, size, 3])} | labels

    examples = read_serialized_examples(folder).repeat().shuffle(1024)
    examples = examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return examples.batch(batch_size).prefetch(1)


def _dense_labels(
    segment_map: tf.Tensor,
    class_ids: tf.Tensor,
    is_crowd: tf.Tensor,
    num_classes: int,
    is_lean: bool,
) -> dict[str, tf.Tensor]:
    """The same labels in dense form: a mask for every segment and a heatmap for every class."""
    labels = TargetBuilder(NUM_SLOTS, LEVELS, label_stride=2 if is_lean else 1)(
        segment_map, class_ids, is_crowd
    )
    # Void has no slot. It becomes -1 here, for which one_hot gives zeros.
    slot_map = tf.cast(labels[types.SLOT_MAP], tf.int32) - 1
    masks = tf.one_hot(slot_map, NUM_SLOTS)
    if not is_lean:
        masks = tf.image.resize(masks, [side // 2 for side in segment_map.shape])
    dense = {"masks": masks, "class_ids": labels[types.SLOT_CLASS_IDS]}
    for level in LEVELS:
        class_ids = tf.where(
            labels[types.CENTER_LEVELS] == level, labels[types.SLOT_CLASS_IDS], types.PAD_ID
        )
        side = -(-segment_map.shape[0] // 2**level)
        dense[f"heatmap_{level}"] = draw_heatmap(
            labels[types.CENTER_INDICES][tf.newaxis],
            labels[types.GAUSSIAN_RADII][tf.newaxis],
            class_ids[tf.newaxis],
            side,
            side,
            num_classes,
        )[0]
    return dense


# ---- Measuring -----------------------------------------------------------------------------------
def measure(variant: str, data: str, size: int, batch_size: int, seconds: float) -> dict:
    """Rate, processor time, bytes to the device and peak memory of one variant."""
    iterator = iter(batches(variant, data, size, batch_size))
    first = next(iterator)
    batch_size = len(tf.nest.flatten(first)[0])
    num_bytes = sum(value.numpy().nbytes for value in tf.nest.flatten(first)) / batch_size
    del first
    next(iterator)
    start, start_cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds or count < 4 * batch_size:
        next(iterator)
        count += batch_size
    return {
        "rate": count / (time.perf_counter() - start),
        "cpu_ms": 1e3 * (time.process_time() - start_cpu) / count,
        "mebibytes": num_bytes / 2**20,
        "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def in_own_process(variant: str, size: int, args: argparse.Namespace) -> dict:
    """Runs `measure` in a new process."""
    command = [sys.executable, __file__, "--data", args.data, "--one", variant]
    command += ["--sizes", str(size), "--batch_size", str(args.batch_size)]
    command += ["--seconds", str(args.seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{variant} at {size}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def best_of_rounds(size: int, variants: list[str], args: argparse.Namespace) -> dict[str, dict]:
    """The highest rate, least processor time and highest memory of each variant over the rounds."""
    found: dict[str, list[dict]] = {variant: [] for variant in variants}
    for _ in range(args.rounds):
        for variant in variants:
            found[variant].append(in_own_process(variant, size, args))
            print(f"{size} px {variant}: {found[variant][-1]}", file=sys.stderr, flush=True)
    pick = {"rate": max, "cpu_ms": min, "mebibytes": max, "peak_gigabytes": max}
    return {
        variant: {name: best(each[name] for each in rounds) for name, best in pick.items()}
        for variant, rounds in found.items()
    }


def print_table(size: int, batch_size: int, results: dict[str, dict]) -> None:
    print(f"\n{size} px, batches of {batch_size}\n")
    print(
        "| variant | examples/s | CPU ms/example | MiB/example | peak GB |\n|---|---|---|---|---|"
    )
    for variant, result in results.items():
        print(
            f"| {variant} | {result['rate']:.1f} | {result['cpu_ms']:.1f} | "
            f"{result['mebibytes']:.2f} | {result['peak_gigabytes']:.2f} |"
        )
    jitter = results.get("jitter")
    for other, result in results.items() if jitter else ():
        rate = jitter["rate"] / result["rate"]
        cpu = result["cpu_ms"] / jitter["cpu_ms"]
        print(f"\njitter is {rate:.2f} times as fast as {other}; by CPU time {cpu:.2f}", end="")
    print()
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="dataset folder")
    parser.add_argument("--sizes", default="256,640,1280", help="input sizes, multiples of 32")
    parser.add_argument("--batch_size", type=int, default=8, metavar="N", help="examples")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="variants to run")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="runs of each")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="time of each variant in each round"
    )
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(",")]
    if args.one:
        print(json.dumps(measure(args.one, args.data, sizes[0], args.batch_size, args.seconds)))
        return
    for size in sizes:
        results = best_of_rounds(size, args.variants.split(","), args)
        print_table(size, args.batch_size, results)


if __name__ == "__main__":
    main()
