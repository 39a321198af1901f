"""Loads an exported model; it needs no model code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.mapped_png import marked_png
from maskconver_tf.files.disk_errors import short_reason
from maskconver_tf.files.paths import pattern_free_path
from maskconver_tf.inference import signatures
from maskconver_tf.inference.export_versions import (
    CATEGORIES_FILE,
    GRAPH_FILE,
    VARIABLES_INDEX,
    newest_version,
)
from maskconver_tf.inference.model_folder import describe_other
from maskconver_tf.inference.predictor import Predictor

_VARIABLES = Path("variables", "variables")
_WAY_OUT = "Copy the whole folder again, or write it again with `maskconver export`"


def is_export(folder: Path) -> bool:
    """Whether a folder is an export, complete or not, or has numbered versions of one."""
    return newest_version(folder) is not None


def load_export(folder: Path, thresholds: Mapping[str, float | int] | None = None) -> Predictor:
    """Loads a predictor from an export, or from the newest of its numbered versions.

    Args:
      folder: of the export.
      thresholds: values in place of those of the export: `score_threshold`, `overlap_threshold`,
        `min_area`.

    Raises:
      UserError: the folder has no export, a file of it is missing or damaged, or the export has no
        such threshold.
    """
    version = newest_version(folder)
    if version is None:
        raise UserError(
            f"{folder}: no exported model is here ({describe_other(folder)}). Give a folder that "
            "`maskconver export` wrote"
        )
    loaded = load_version(version)
    categories = Categories.load(version / CATEGORIES_FILE)
    if signatures.SEGMENT_IMAGE not in loaded.signatures:
        raise UserError(
            f"{version}: found an export without the signature {signatures.SEGMENT_IMAGE}, as "
            "--model_only writes; it gives no segments. Export the run again without --model_only"
        )
    answer = loaded.signatures[signatures.SEGMENT_IMAGE]
    if thresholds:
        answer = _with_thresholds(version, loaded, thresholds)

    def segment(image: np.ndarray) -> dict[str, np.ndarray]:
        found = answer(**{signatures.IMAGE: tf.constant(image)})
        source_ids = found[signatures.CATEGORY_IDS].numpy()
        return {field: found[name].numpy() for field, name in signatures.FIELDS.items()} | {
            types.SEGMENT_CLASS_IDS: np.array([categories.class_id_of(i) for i in source_ids]),
        }

    # Keeps the weights alive: the signature alone does not own them.
    segment.owner = loaded
    return Predictor(segment, categories, input_size_of(version))


def load_version(version: Path) -> Any:
    """Loads one version of an export; returns what `tf.saved_model.load` returns.

    Raises:
      UserError: a file is missing or damaged.
    """
    _check_files_exist(version)
    return _load_saved_model(version)


def _with_thresholds(
    version: Path, loaded: Any, thresholds: Mapping[str, float | int]
) -> Callable[..., dict[str, tf.Tensor]]:
    """Makes a function like the signature `segment_image` with thresholds of the caller."""
    serve = loaded.signatures.get(signatures.SERVING_WITH_THRESHOLDS)
    known = serve.structured_input_signature[1] if serve else {}
    if unknown := [name for name in thresholds if name not in known]:
        raise UserError(
            f"{version}: found an export without the threshold {unknown[0]}; export the run again "
            f"with `maskconver export --{unknown[0]} {thresholds[unknown[0]]}`, or predict from "
            "the run's folder"
        )
    own = {name: spec for name, spec in known.items() if name != signatures.ENCODED_IMAGES}
    given = {
        name: tf.constant([thresholds.get(name, -1)], spec.dtype) for name, spec in own.items()
    }

    def answer(image: tf.Tensor) -> dict[str, tf.Tensor]:
        encoded = tf.constant([marked_png(Image.fromarray(image.numpy()))])
        found = serve(**{signatures.ENCODED_IMAGES: encoded}, **given)
        if found[signatures.STATUS][0] != 0:
            reason = found[signatures.STATUS_MESSAGE][0].numpy().decode()
            raise UserError(
                f"{version}: refused a picture ({reason}); predict without thresholds, or export "
                "the run again with a larger --max_pixels"
            )
        count = found[signatures.NUM_SEGMENTS][0]
        rows = {name: found[name][0][:count] for name in signatures.ROWS}
        return rows | {signatures.PANOPTIC_MAP: _map_of_png(found[signatures.PANOPTIC_PNG][0])}

    return answer


def _map_of_png(encoded: tf.Tensor) -> tf.Tensor:
    """The segment ids of a PNG as COCO writes it, int32 `[h, w]`."""
    colors = tf.cast(tf.io.decode_png(encoded, channels=3), tf.int32)
    return tf.tensordot(colors, tf.constant([1, 2**8, 2**16]), axes=1)


def input_size_of(version: Path) -> tuple[int, int] | None:
    """Returns height and width of the model's input; None for an export that does not tell them."""
    path = version / "assets" / signatures.PREPROCESSING_ASSET
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return int(content["input_height"]), int(content["input_width"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_files_exist(version: Path) -> None:
    files = [GRAPH_FILE, VARIABLES_INDEX, CATEGORIES_FILE]
    missing = [str(version / file) for file in files if not (version / file).is_file()]
    if not any((version / "variables").glob("variables.data-*")):
        missing.append(str(version / "variables" / "variables.data-*"))
    if missing:
        other = not (version / CATEGORIES_FILE).is_file() and (version / GRAPH_FILE).is_file()
        cause = " or another tool wrote this SavedModel" * other
        raise UserError(
            f"{', '.join(missing)}: missing, so the export is not whole{cause}. {_WAY_OUT}"
        )


def _load_saved_model(version: Path) -> Any:
    """Loads the model; raises `UserError`, which names the damaged file."""
    try:
        return tf.saved_model.load(pattern_free_path(version))
    except (OSError, ValueError, RuntimeError, LookupError, tf.errors.OpError) as error:
        reason = short_reason(error).replace(pattern_free_path(version), str(version))
        written_by = _tensorflow_of(version)
        is_other = written_by not in (None, tf.__version__)
        if is_other and _weights_are_whole(version):
            raise UserError(
                f"{version}: written by TensorFlow {written_by}, and this TensorFlow "
                f"{tf.__version__} cannot load it ({reason}). Install TensorFlow {written_by}, or "
                "export the run again with this one"
            ) from error
        damaged = version / (GRAPH_FILE if written_by is None else "variables")
        raise UserError(f"{damaged}: damaged ({reason}). {_WAY_OUT}") from error


def _weights_are_whole(version: Path) -> bool:
    """Whether all weights can be read. The format of their files is the same in all versions."""
    try:
        reader = tf.train.load_checkpoint(pattern_free_path(version / _VARIABLES))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (OSError, ValueError, RuntimeError, LookupError, tf.errors.OpError):
        return False
    return True


def _tensorflow_of(version: Path) -> str | None:
    """Returns the TensorFlow that wrote the graph, or None if the graph is damaged."""
    try:
        content = (version / GRAPH_FILE).read_bytes()
        graphs = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        return graphs[0].meta_info_def.tensorflow_version if graphs else None
    except (OSError, DecodeError):
        return None
