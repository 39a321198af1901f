"""Sends requests to a new version before any client does, and checks the answers.

The first run of a batch size prepares the graph, which can take seconds.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.mapped_png import marked_png
from maskconver_tf.inference import signatures
from maskconver_tf.serving.versions.model_version import ModelVersion


def warm_up(version: ModelVersion, batch_sizes: Sequence[int]) -> None:
    """Runs the signatures for encoded pictures with each batch size.

    Raises:
      UserError: the version fails, or does not answer a sound picture.
    """
    picture = _picture(version)
    for size in batch_sizes:
        inputs = {signatures.ENCODED_IMAGES: np.array([picture] * size, object)}
        _run(version, signatures.SERVING_DEFAULT, inputs, size)
    # It shares the graph of the first signature, so one run is enough.
    inputs = {signatures.ENCODED_IMAGES: np.array([picture], object)}
    inputs |= _own_thresholds(version)
    _run(version, signatures.SERVING_WITH_THRESHOLDS, inputs, 1)


def _run(version: ModelVersion, name: str, inputs: dict[str, np.ndarray], size: int) -> None:
    try:
        found = version.run(name, inputs)
    except Exception as error:  # Whatever it is, this version must not serve.
        raise UserError(
            f"version {version.number}: {name} fails for {size} pictures "
            f"({type(error).__name__}: {str(error)[:200]}). Export the run again"
        ) from error
    _check(version, name, found)


def _own_thresholds(version: ModelVersion) -> dict[str, np.ndarray]:
    known = version.signatures[signatures.SERVING_WITH_THRESHOLDS].inputs
    return {name: known[name].default for name in version.threshold_names}


def _picture(version: ModelVersion) -> bytes:
    """A file with soft colors, of the size of the model's input."""
    height, width = (int(version.preprocessing[f"input_{side}"]) for side in ("height", "width"))
    rows, columns = np.meshgrid(np.linspace(0, 6, height), np.linspace(0, 6, width), indexing="ij")
    waves = [np.sin(rows * (i + 1) + columns * (3 - i)) for i in range(3)]
    pixels = (127.5 + 127.5 * np.stack(waves, -1)).astype(np.uint8)
    if version.categories.pictures is not None:
        return marked_png(Image.fromarray(pixels))
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def _check(version: ModelVersion, name: str, found: dict[str, np.ndarray]) -> None:
    statuses, pngs = found.get(signatures.STATUS), found.get(signatures.PANOPTIC_PNG)
    if statuses is None or pngs is None or statuses.any() or not all(pngs):
        raise UserError(
            f"version {version.number}: {name} gave no answer for a sound picture. Export the run "
            "again with this version of maskconver"
        )
