"""Writes the files that travel with an export: classes, colors, preprocessing and provenance."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.export.served_model.options import ExportOptions, Origin
from maskconver_tf.files.json_file import write_json
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter

_PACKAGES = ("maskconver_tf", "tf_keras", "numpy")


def write_assets(
    folder: Path, segmenter: PanopticSegmenter, options: ExportOptions, origin: Origin
) -> list[Path]:
    """Writes the files into an empty folder and returns their paths."""
    categories = folder / signatures.CATEGORIES_ASSET
    segmenter.categories.save(categories)
    contents = {
        signatures.COLORS_ASSET: _colors(segmenter.categories),
        signatures.PREPROCESSING_ASSET: _preprocessing(segmenter, options),
        signatures.PROVENANCE_ASSET: _provenance(segmenter, options, origin),
    }
    if segmenter.recalibration is not None:
        contents[signatures.RECALIBRATION_ASSET] = segmenter.recalibration.to_json()
    for name, content in contents.items():
        write_json(folder / name, content)
    return [categories, *(folder / name for name in contents)]


def _colors(categories: Categories) -> list[dict[str, Any]]:
    return [
        {"id": category.id, "name": category.name, "color": [int(c) for c in color]}
        for category, color in zip(categories, categories.colors)
    ]


def _preprocessing(segmenter: PanopticSegmenter, options: ExportOptions) -> dict[str, Any]:
    height, width = segmenter.input_size
    mapping = segmenter.categories.pictures
    return {
        "input_height": height,
        "input_width": width,
        "color_order": "RGB",
        "dtype": "uint8",
        "resize": "bilinear with antialiasing, aspect ratio kept, sides rounded to multiples of 4",
        "padding": "0, at the bottom and on the right",
        "normalization": "inside the model",
        "orientation": "encoded files are turned upright by EXIF; arrays are taken as they are",
        "max_pixels": options.max_pixels,
        "channel_mapping": mapping and mapping.to_json(),
    }


def _provenance(
    segmenter: PanopticSegmenter, options: ExportOptions, origin: Origin
) -> dict[str, Any]:
    policy = segmenter.model.dtype_policy
    return {
        "exported": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "model": type(segmenter.model).__name__,
        "fusion": {"class": type(segmenter.fusion).__name__} | _settings(segmenter.fusion),
        "recalibrated": segmenter.recalibration is not None,
        "precision": policy.name,
        "model_only": options.model_only,
        "batch_sizes": list(options.batch_sizes),
        "git_revision": origin.git_revision,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES} | {"tensorflow": tf.__version__},
        "training": origin.training,
        "training_settings": origin.settings,
    }


def _settings(fusion: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(fusion).items() if not name.startswith("_")}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
