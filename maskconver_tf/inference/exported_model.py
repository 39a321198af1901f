"""An exported model, loaded back with TensorFlow alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.inference.predictor import Predictor


def is_export(folder: Path) -> bool:
    """Whether a folder is an export or holds numbered versions of one."""
    return newest_version(folder) is not None


def load_export(folder: Path) -> Predictor:
    """A predictor of an export, or of the newest of its numbered versions.

    Raises:
      UserError: the folder is neither.
    """
    version = newest_version(folder)
    if version is None:
        raise UserError(f"{folder}: no exported model is here; `maskconver export` writes one")
    loaded = tf.saved_model.load(str(version))
    categories = Categories.load(version / "assets" / signatures.CATEGORIES_ASSET)
    segment_image = loaded.signatures[signatures.SEGMENT_IMAGE]

    def segment(image: np.ndarray) -> dict[str, np.ndarray]:
        found = segment_image(**{signatures.IMAGE: tf.constant(image)})
        source_ids = found[signatures.CATEGORY_IDS].numpy()
        return {field: found[name].numpy() for field, name in signatures.FIELDS.items()} | {
            types.SEGMENT_CLASS_IDS: np.array([categories.class_id_of(i) for i in source_ids]),
        }

    # The signature does not keep the object alive that owns its weights.
    segment.owner = loaded
    return Predictor(segment, categories)


def newest_version(folder: Path) -> Path | None:
    """The folder itself if it is an export, else the newest of its numbered versions, or None."""
    if (folder / "saved_model.pb").is_file():
        return folder
    if not folder.is_dir():
        return None
    versions = [path for path in folder.iterdir() if path.name.isdigit()]
    versions = [path for path in versions if (path / "saved_model.pb").is_file()]
    return max(versions, key=lambda path: int(path.name), default=None)
