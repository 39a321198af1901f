"""Random and adversarial pictures for the fusion, many in one call, against the oracle.

    python -m tests.unit.postprocess.random_fusions --cases 1000000

A case is a part of a picture with its own few proposals and its own kind of logits. Most pictures
are mosaics of 100 parts; every tenth batch has pictures of one part. The command stops at the first
picture that differs from `PlainFusion` in its map or in a row.
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
PICTURES_PER_CALL = 250
MOSAICS_PER_CALL = 20
PARTS_A_SIDE = 10
FUSIONS = (
    {"score_threshold": 0.01, "overlap_threshold": 0.5, "min_area": 2},
    {"score_threshold": 0.3, "overlap_threshold": 0.1, "min_area": 1, "runner_up": True},
    {"score_threshold": 0.2, "stuff_score_threshold": 0.05, "mask_quality": True, "min_area": 1},
    {"score_threshold": 0.0, "overlap_threshold": 0.9, "min_area": 3, "runner_up": True}
    | {"mask_quality": True},
    {"score_threshold": 0.1, "overlap_threshold": 0.7, "stuff_overlap_threshold": 0.2}
    | {"min_area": 1, "runner_up": True},
)
LOGITS = ("normal", "large", "tiny", "integers", "alike", "constant", "edges", "silent", "smooth")
# The largest logit of a picture sets the margin of all bounds in it, so a mosaic keeps to a family.
FAMILIES = (
    ("normal", "integers", "alike", "smooth"),
    ("normal", "alike", "smooth", "twins"),
    ("constant", "edges", "silent", "normal", "twins"),
    ("tiny",),
    ("large", "normal"),
)


def random_batch(rng: np.random.Generator, count: int, parts: int) -> dict[str, np.ndarray]:
    """Draws `count` pictures of one size, of parts x parts parts each: `[count, ...]` each."""
    h, w = (1, 1) if rng.random() < 0.05 else rng.integers(1, 7, 2)
    size = rng.integers(1, 14, 2) if rng.random() < 0.8 else rng.integers(1, 60, 2)
    n = int(rng.choice([0, 1, 2, 3, 4, 5, 8, 13]))
    if parts > 1:
        h, w = rng.integers(1, 4, 2)
        size = parts * rng.integers(1, 14, 2) + rng.integers(0, parts, 2)
        n = int(rng.choice([5, 8, 16]))
    drawn = [random_picture(rng, parts, h, w, n) for _ in range(count)]
    scores = rng.uniform(0, 1, [count, n]).astype(np.float32)
    few = rng.choice(np.float32([0, 0.25, 0.5, 0.5000001, 1]), [count, n])
    return {
        "logits": np.stack(drawn).astype(np.float32).reshape(count, parts * h, parts * w, n),
        "scores": np.where(rng.random([count, 1]) < 0.5, few, scores),
        "class_ids": rng.integers(0, 4, [count, n]) * (rng.random([count, 1]) < 0.8),
        "image_size": size,
    }


def random_picture(rng: np.random.Generator, parts: int, h: int, w: int, n: int) -> np.ndarray:
    """Logits `[parts * h, parts * w, n]`: the parts of a mosaic use different proposals."""
    if parts == 1:
        return random_logits(rng, rng.choice(LOGITS), h, w, n)
    kinds = FAMILIES[rng.integers(len(FAMILIES))]
    logits = np.full([parts, h, parts, w, n], -1e-3 if kinds == ("tiny",) else -9.0)
    for y, x in np.ndindex(parts, parts):
        active = rng.permutation(n)[: rng.integers(1, 9)]
        drawn = random_logits(rng, kinds[rng.integers(len(kinds))], h, w, len(active))
        logits[y, :, x][..., active] = drawn
    return logits.reshape(parts * h, parts * w, n)


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
    if kind == "twins":  # Pairs of equal masks
        return np.repeat(rng.normal(scale=5.0, size=[h, w, -(-n // 2)]), 2, axis=2)[..., :n]
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
    """A function that fuses all pictures of a batch, traced to one graph for all sizes."""
    fusion = kind(**FUSIONS[settings])

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
    return tf.function(call, autograph=False).get_concrete_function(*specs)


def check_batch(rng: np.random.Generator, settings: int, count: int, parts: int = 1) -> int:
    """Fuses random pictures in both ways and compares all fields; returns the number of cases."""
    batch = random_batch(rng, count, parts)
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
    return count * parts**2


def check_some(number: int, seed: int) -> int:
    """Checks the batch of this number: pictures of one part if it is a multiple of ten."""
    rng = np.random.default_rng([seed, number])
    settings = number % len(FUSIONS) if number % 10 else number // 10 % len(FUSIONS)
    if number % 10 == 0:
        return check_batch(rng, settings, PICTURES_PER_CALL)
    return check_batch(rng, settings, MOSAICS_PER_CALL, PARTS_A_SIDE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cases = number = 0
    while cases < args.cases:
        cases += check_some(number, args.seed)
        number += 1
        if number % 50 == 0:
            print(f"{cases} cases equal", flush=True)
    print(f"{cases} cases equal")


if __name__ == "__main__":
    main()
