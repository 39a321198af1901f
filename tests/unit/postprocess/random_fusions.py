"""Random and adversarial pictures for the fusion, many tiny ones in one call, against the oracle.

    python -m tests.unit.postprocess.random_fusions --cases 1000000

The command counts a picture with its proposals as a case, and stops at the first that differs from
`PlainFusion` in its map or in a row. It takes about half an hour for a million on 2 cores.
"""

from __future__ import annotations

import argparse
import functools

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.postprocess.plain_fusion import PlainFusion

IS_THING = tf.constant([True, True, False, False])
STRIDE = 4
CASES_PER_CALL = 250
FUSIONS = (
    {"score_threshold": 0.01, "overlap_threshold": 0.5, "min_area": 2},
    {"score_threshold": 0.3, "overlap_threshold": 0.1, "min_area": 1, "runner_up": True},
    {"score_threshold": 0.2, "stuff_score_threshold": 0.05, "mask_quality": True, "min_area": 1},
    {"score_threshold": 0.0, "overlap_threshold": 0.9, "min_area": 3, "runner_up": True}
    | {"mask_quality": True},
)
FIELDS = {types.PANOPTIC_MAP: [None, None], types.SEGMENT_BOXES: [None, 4]}
LOGITS = ("normal", "large", "tiny", "integers", "alike", "constant", "edges", "silent", "smooth")


def random_batch(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Draws `count` pictures of one size with equally many proposals: `[count, ...]` each."""
    h, w = (1, 1) if rng.random() < 0.05 else rng.integers(1, 7, 2)
    size = rng.integers(1, 14, 2) if rng.random() < 0.8 else rng.integers(1, 60, 2)
    n = int(rng.choice([0, 1, 2, 3, 4, 5, 8, 13]))
    kinds = rng.integers(0, len(LOGITS), count)
    drawn = [random_logits(rng, LOGITS[kind], h, w, n) for kind in kinds]
    scores = rng.uniform(0, 1, [count, n]).astype(np.float32)
    few = rng.choice(np.float32([0, 0.25, 0.5, 0.5000001, 1]), [count, n])
    return {
        "logits": np.stack(drawn).astype(np.float32).reshape(count, h, w, n),
        "scores": np.where(rng.random([count, 1]) < 0.5, few, scores),
        "class_ids": rng.integers(0, 4, [count, n]) * (rng.random([count, 1]) < 0.8),
        "image_size": size,
    }


def random_logits(rng: np.random.Generator, kind: str, h: int, w: int, n: int) -> np.ndarray:
    """Logits `[h, w, n]` of one kind."""
    shape = [h, w, n]
    if kind == "normal":
        return rng.normal(scale=3.0, size=shape)
    if kind == "large":
        return rng.normal(scale=10.0 ** rng.integers(1, 7), size=shape)
    if kind == "tiny":
        return rng.normal(scale=10.0 ** rng.integers(-42, -1), size=shape)
    if kind == "integers":
        return rng.integers(-2, 3, shape)
    if kind == "alike":  # All proposals, up to some last digits
        one = rng.normal(scale=3.0, size=[h, w, 1])
        return one * (1.0 + 1e-7 * rng.integers(-2, 3, shape))
    if kind == "constant":
        return np.broadcast_to(rng.choice([-1.0, 0.0, 1.0, 17.0, 40.0, -88.0]), shape)
    if kind == "edges":
        return rng.choice([-200.0, -104.0, -88.0, -87.0, 0.0, 1e-30, 16.0, 17.0, 200.0], shape)
    if kind == "silent":
        return np.where(rng.random(shape) < 0.1, 5.0, -200.0)
    slopes = rng.normal(size=[3, n])
    y, x = np.mgrid[:h, :w, :1][:2]
    return slopes[0] * y + slopes[1] * x + 2 * slopes[2]


@functools.cache
def fuse_many(kind: type, settings: int):
    """A function that fuses all pictures of a batch, in one graph for all sizes."""
    fusion = kind(**FUSIONS[settings])

    @tf.function(autograph=False, reduce_retracing=True)
    def call(logits, scores, class_ids, image_size):
        count = tf.shape(logits)[3]
        content_size = STRIDE * tf.shape(logits)[1:3]

        def one(picture):
            proposals = {
                types.MASK_FEATURES: picture[0],
                types.MASK_EMBEDDINGS: tf.eye(count),
                types.PROPOSAL_SCORES: picture[1],
                types.PROPOSAL_CLASS_IDS: picture[2],
            }
            found = fusion(proposals, content_size, image_size, IS_THING, STRIDE)
            rows = [
                found[types.SEGMENT_IDS][:, tf.newaxis],
                found[types.SEGMENT_CLASS_IDS][:, tf.newaxis],
                found[types.SEGMENT_AREAS][:, tf.newaxis],
                tf.bitcast(found[types.SEGMENT_SCORES], tf.int32)[:, tf.newaxis],
                found[types.SEGMENT_BOXES],
            ]
            rows = tf.concat(rows, axis=1)
            missing = count - tf.shape(rows)[0]
            return found[types.PANOPTIC_MAP], tf.pad(rows, [[0, missing], [0, 0]])

        signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, 8], tf.int32))
        return tf.map_fn(one, (logits, scores, class_ids), fn_output_signature=signature)

    shapes = ([None] * 4, tf.float32), ([None] * 2, tf.float32), ([None] * 2, tf.int32)
    specs = [tf.TensorSpec(*shape) for shape in (*shapes, ([2], tf.int32))]
    return call.get_concrete_function(*specs)


def check_batch(rng: np.random.Generator, settings: int, count: int = CASES_PER_CALL) -> None:
    """Fuses a random batch in both ways and compares all fields."""
    batch = random_batch(rng, count)
    arguments = [
        tf.constant(batch["logits"]),
        tf.constant(batch["scores"]),
        tf.constant(batch["class_ids"], tf.int32),
        tf.constant(batch["image_size"], tf.int32),
    ]
    found, expected = (
        fuse_many(kind, settings)(*arguments) for kind in (PanopticFusion, PlainFusion)
    )
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other, err_msg=str((settings, batch)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for number in range(-(-args.cases // CASES_PER_CALL)):
        check_batch(np.random.default_rng([args.seed, number]), number % len(FUSIONS))
        if number % 200 == 0:
            print(f"{(number + 1) * CASES_PER_CALL} cases equal", flush=True)
    print(f"{args.cases} cases equal")


if __name__ == "__main__":
    main()
