"""Loads an exported model; it needs no model code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import short_reason
from maskconver_tf.files.paths import pattern_free_path
from maskconver_tf.inference import signatures
from maskconver_tf.inference.model_folder import describe_other
from maskconver_tf.inference.predictor import Predictor

_GRAPH_FILE = "saved_model.pb"
_VARIABLES = Path("variables", "variables")
_VARIABLES_INDEX = Path("variables", "variables.index")
_CATEGORIES_FILE = Path("assets", signatures.CATEGORIES_ASSET)
_WAY_OUT = "Copy the whole folder again, or write it again with `maskconver export`"


def is_export(folder: Path) -> bool:
    """Whether a folder is an export, complete or not, or has numbered versions of one."""
    return newest_version(folder) is not None


def load_export(folder: Path) -> Predictor:
    """Loads a predictor from an export, or from the newest of its numbered versions.

    Raises:
      UserError: the folder has no export, or a file of it is missing or damaged.
    """
    version = newest_version(folder)
    if version is None:
        raise UserError(
            f"{folder}: no exported model is here ({describe_other(folder)}). Give a folder that "
            "`maskconver export` wrote"
        )
    loaded = load_version(version)
    categories = Categories.load(version / _CATEGORIES_FILE)
    if signatures.SEGMENT_IMAGE not in loaded.signatures:
        raise UserError(
            f"{version}: found an export without the signature {signatures.SEGMENT_IMAGE}, as "
            "--model_only writes; it gives no segments. Export the run again without --model_only"
        )
    segment_image = loaded.signatures[signatures.SEGMENT_IMAGE]

    def segment(image: np.ndarray) -> dict[str, np.ndarray]:
        found = segment_image(**{signatures.IMAGE: tf.constant(image)})
        source_ids = found[signatures.CATEGORY_IDS].numpy()
        return {field: found[name].numpy() for field, name in signatures.FIELDS.items()} | {
            types.SEGMENT_CLASS_IDS: np.array([categories.class_id_of(i) for i in source_ids]),
        }

    # Keeps the weights alive: the signature alone does not own them.
    segment.owner = loaded
    return Predictor(segment, categories)


def load_version(version: Path) -> Any:
    """Loads one version of an export; returns what `tf.saved_model.load` returns.

    Raises:
      UserError: a file is missing or damaged.
    """
    _check_files_exist(version)
    return _load_saved_model(version)


def newest_version(folder: Path) -> Path | None:
    """Finds the newest numbered version; the folder itself if it is an export; or None."""
    if _has_export_files(folder):
        return folder
    if not folder.is_dir():
        return None
    versions = [path for path in folder.iterdir() if path.name.isdecimal()]
    versions = [path for path in versions if _has_export_files(path)]
    return max(versions, key=lambda path: int(path.name), default=None)


def _has_export_files(folder: Path) -> bool:
    """Whether a folder has a file that only exports have. The others may be missing."""
    files = (_GRAPH_FILE, _VARIABLES_INDEX, _CATEGORIES_FILE)
    return any((folder / file).is_file() for file in files)


def _check_files_exist(version: Path) -> None:
    files = [_GRAPH_FILE, _VARIABLES_INDEX, _CATEGORIES_FILE]
    missing = [str(version / file) for file in files if not (version / file).is_file()]
    if not any((version / "variables").glob("variables.data-*")):
        missing.append(str(version / "variables" / "variables.data-*"))
    if missing:
        other = not (version / _CATEGORIES_FILE).is_file() and (version / _GRAPH_FILE).is_file()
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
        damaged = version / (_GRAPH_FILE if written_by is None else "variables")
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
        content = (version / _GRAPH_FILE).read_bytes()
        graphs = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        return graphs[0].meta_info_def.tensorflow_version if graphs else None
    except (OSError, DecodeError):
        return None
