"""Loads an exported model; it needs no model code."""

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
    """Whether a folder is an export or has numbered versions of one."""
    return newest_version(folder) is not None


def load_export(folder: Path) -> Predictor:
    """Loads a predictor from an export, or from the newest of its numbered versions.

    Raises:
      UserError: the folder has no export.
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

    # Keeps the weights alive: the signature alone does not own them.
    segment.owner = loaded
    return Predictor(segment, categories)


def newest_version(folder: Path) -> Path | None:
    """Finds the newest numbered version; the folder itself if it is an export; or None."""
    if (folder / "saved_model.pb").is_file():
        return folder
    if not folder.is_dir():
        return None
    versions = [path for path in folder.iterdir() if path.name.isdigit()]
    versions = [path for path in versions if (path / "saved_model.pb").is_file()]
    return max(versions, key=lambda path: int(path.name), default=None)
