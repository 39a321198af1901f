"""Writes a SavedModel for TensorFlow Serving, which predicts segments with TensorFlow alone."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.export.served_model import warmup
from maskconver_tf.export.served_model.asset_files import write_assets
from maskconver_tf.export.served_model.measure import measure_export
from maskconver_tf.export.served_model.options import ExportOptions, Origin
from maskconver_tf.export.served_model.served_segmenter import ServedSegmenter
from maskconver_tf.export.write_errors import explain_export_errors
from maskconver_tf.files.channels.mapped_png import marked_png
from maskconver_tf.files.paths import pattern_free_path
from maskconver_tf.files.whole_folder import whole_folder
from maskconver_tf.inference import signatures
from maskconver_tf.inference.litert.lite_file import lite_paths
from maskconver_tf.inference.model_folder import is_run
from maskconver_tf.inference.segmenter import PanopticSegmenter

_JPEG_QUALITY = 90


def export_saved_model(
    segmenter: PanopticSegmenter,
    out: str,
    options: ExportOptions | None = None,
    origin: Origin | None = None,
) -> Path:
    """Writes the next numbered version into `out`, complete or not at all.

    Args:
      segmenter: the segmenter of a run.
      out: the folder that TensorFlow Serving watches.
      options: choices for the export; None for the defaults.
      origin: where the weights come from, for the assets.

    Returns:
      The version's folder.

    Raises:
      UserError: `out` is a file, lies in a bucket, holds something that an export would be
        confused with, or cannot be written; or a fresh process could not load the export.
    """
    options = options or ExportOptions()
    root = Path(out)
    _check_root(root)
    version = root / str(_next_version(root))
    # TensorFlow Serving loads only numbered folders, so never a half-written version.
    with (
        _no_empty_folder(root),
        whole_folder(version, False, lambda path: False, "an export") as partial,
        explain_export_errors(version, partial, "earlier versions are as they were"),
    ):
        _write(segmenter, partial, options, origin or Origin())
        if options.measure:
            print(measure_export(partial, _measured_requests(segmenter, options)))
    return version


def _check_root(root: Path) -> None:
    """Raises `UserError` if versions in this folder would be confused with what it is already."""
    if root.exists() and not root.is_dir():
        raise UserError(
            f"{root}: found a file, expected a folder of versions; choose another --out"
        )
    if (root / "saved_model.pb").is_file():
        raise UserError(
            f"{root}: found one version of a SavedModel; expected the folder around it. Give "
            f"--out {root.parent}, which then gets the next version"
        )
    found = "a run" if is_run(root) else "a LiteRT export" if lite_paths(root) else None
    if found:
        raise UserError(
            f"{root}: found the folder of {found}; expected a folder of versions alone. Give a "
            f"folder of its own, such as --out {root / 'exported'}"
        )


@contextlib.contextmanager
def _no_empty_folder(root: Path) -> Iterator[None]:
    """Removes the folder after an error if the block made it and left nothing in it."""
    existed = root.exists()
    try:
        yield
    except BaseException:
        if not existed:
            with contextlib.suppress(OSError):
                root.rmdir()
        raise


def _write(
    segmenter: PanopticSegmenter, folder: Path, options: ExportOptions, origin: Origin
) -> None:
    with tempfile.TemporaryDirectory() as staging:
        files = write_assets(Path(staging), segmenter, options, origin)
        module = ServedSegmenter(segmenter, files, options.max_pixels, options.model_only)
        tf.saved_model.save(module, pattern_free_path(folder), signatures=module.served)
    picture = warmup.example_picture(segmenter.input_size)
    requests = [
        {signatures.IMAGES: np.stack([picture] * size)}
        if options.model_only
        else {signatures.ENCODED_IMAGES: np.array([_as_file(picture, segmenter)] * size, object)}
        for size in options.batch_sizes
    ]
    warmup.write_warmup(folder, requests)
    warmup.write_batching_parameters(folder, options.batch_sizes)


def _measured_requests(
    segmenter: PanopticSegmenter, options: ExportOptions
) -> dict[str, np.ndarray]:
    """Makes the requests for `measure_export`."""
    picture = warmup.example_picture(segmenter.input_size)
    if options.model_only:
        return {f"{n}/{signatures.IMAGES}": np.stack([picture] * n) for n in options.batch_sizes}
    encoded = np.frombuffer(_as_file(picture, segmenter), np.uint8)
    return {f"{n}/{signatures.ENCODED_IMAGES}": encoded for n in options.batch_sizes}


def _as_file(picture: np.ndarray, segmenter: PanopticSegmenter) -> bytes:
    """Encodes a picture of the right size in a form that the export takes."""
    if segmenter.categories.pictures is not None:
        return marked_png(Image.fromarray(picture))
    return tf.io.encode_jpeg(picture, quality=_JPEG_QUALITY).numpy()


def _next_version(root: Path) -> int:
    if not root.is_dir():
        return 1
    versions = [int(path.name) for path in root.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1
