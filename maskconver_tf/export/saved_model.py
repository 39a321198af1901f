"""Writes a SavedModel for TensorFlow Serving, which predicts segments with TensorFlow alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.files.graph_decoding import decode_picture
from maskconver_tf.files.paths import pattern_free_path
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.transforms import fit_image
from maskconver_tf.models.variable_names import named_variables


class ExportedSegmenter(tf.Module):
    """The two signatures of an export and the weights, without Keras objects.

    Args:
      segmenter: the segmenter of a run.
      categories_file: a copy of the class list, which becomes an asset.
    """

    def __init__(self, segmenter: PanopticSegmenter, categories_file: str):
        super().__init__()
        # Saved by name, so that another run can start from these weights.
        self.weights = named_variables(segmenter.model)
        self.categories_file = tf.saved_model.Asset(categories_file)
        batch = tf.TensorSpec([None], tf.string, name=signatures.ENCODED_IMAGES)
        image = tf.TensorSpec([None, None, 3], tf.uint8, name=signatures.IMAGE)
        self.segment_encoded = tf.function(
            lambda encoded_images: segment_encoded(segmenter, encoded_images),
            input_signature=[batch],
            autograph=False,
        )
        self.segment_image = tf.function(
            lambda image: segment_image(segmenter, image), input_signature=[image], autograph=False
        )


def segment_image(segmenter: PanopticSegmenter, image: tf.Tensor) -> dict[str, tf.Tensor]:
    """Segments one picture uint8 `[h, w, 3]`; returns the fields of `signatures`."""
    found = _with_source_ids(segmenter, segmenter.segment_one(image))
    return found | {signatures.IMAGE_SIZE: tf.shape(image)[:2]}


def segment_encoded(segmenter: PanopticSegmenter, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
    """Segments a batch of encoded pictures, string `[B]`; returns the fields of `signatures`.

    The network runs once for the whole batch.
    """

    def fit_one(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        image = decode_picture(content)
        return *fit_image(image, segmenter.input_size), tf.shape(image)[:2]

    size = tf.TensorSpec([2], tf.int32)
    canvas = tf.TensorSpec([*segmenter.input_size, 3], tf.uint8)
    images, content_sizes, image_sizes = tf.map_fn(
        fit_one, encoded, fn_output_signature=(canvas, size, size)
    )
    proposals = segmenter.propose_in_graph(images)
    largest = tf.reduce_max(image_sizes, axis=0)
    num_slots = segmenter.fusion.max_segments(proposals)

    def fuse_one(item: tuple) -> dict[str, tf.Tensor]:
        single, content_size, image_size = item
        found = _with_source_ids(segmenter, segmenter.fuse_one(single, content_size, image_size))
        margins = tf.pad((largest - image_size)[:, tf.newaxis], [[0, 0], [1, 0]])
        panoptic_map = tf.pad(found.pop(signatures.PANOPTIC_MAP), margins)
        rows = {name: _pad_rows(value, num_slots) for name, value in found.items()}
        return rows | {signatures.PANOPTIC_MAP: panoptic_map}

    rows = tf.TensorSpec([num_slots], tf.int32)
    found = tf.map_fn(
        fuse_one,
        (proposals, content_sizes, image_sizes),
        fn_output_signature={
            signatures.PANOPTIC_MAP: tf.TensorSpec([None, None], tf.int32),
            signatures.SEGMENT_IDS: rows,
            signatures.CATEGORY_IDS: rows,
            signatures.SCORES: tf.TensorSpec([num_slots], tf.float32),
            signatures.AREAS: rows,
            signatures.BOXES: tf.TensorSpec([num_slots, 4], tf.int32),
        },
    )
    return found | {signatures.IMAGE_SIZE: image_sizes}


def export_saved_model(segmenter: PanopticSegmenter, out: str) -> Path:
    """Writes the next numbered version into `out`, complete or not at all.

    Args:
      segmenter: the segmenter of a run.
      out: the folder that TensorFlow Serving watches.

    Returns:
      The version's folder.

    Raises:
      UserError: `out` is a file or cannot be written.
    """
    root = Path(out)
    try:
        root.mkdir(parents=True, exist_ok=True)
        # TensorFlow Serving loads only numbered folders, so never a half-written version.
        staging = Path(tempfile.mkdtemp(prefix=".export-", dir=root))
    except OSError as error:
        raise UserError(
            f"{root}: cannot write there ({error.strerror}); choose another --out"
        ) from error
    try:
        categories_file = staging / signatures.CATEGORIES_ASSET
        segmenter.categories.save(categories_file)
        module = ExportedSegmenter(segmenter, str(categories_file))
        tf.saved_model.save(
            module,
            pattern_free_path(staging / "model"),
            signatures={
                signatures.SERVING_DEFAULT: module.segment_encoded,
                signatures.SEGMENT_IMAGE: module.segment_image,
            },
        )
        version = root / str(_next_version(root))
        os.rename(staging / "model", version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return version


def _with_source_ids(
    segmenter: PanopticSegmenter, found: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Renames the fields of a finished prediction, and replaces class ids by source ids."""
    source_ids = tf.constant(segmenter.categories.source_ids, tf.int32)
    outputs = {name: found[field] for field, name in signatures.FIELDS.items()}
    category_ids = tf.gather(source_ids, found[types.SEGMENT_CLASS_IDS])
    return outputs | {signatures.CATEGORY_IDS: category_ids}


def _pad_rows(rows: tf.Tensor, count: int) -> tf.Tensor:
    padding = [[0, count - tf.shape(rows)[0]]] + [[0, 0]] * (rows.shape.rank - 1)
    return tf.ensure_shape(tf.pad(rows, padding), [count, *rows.shape[1:]])


def _next_version(root: Path) -> int:
    versions = [int(path.name) for path in root.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1
