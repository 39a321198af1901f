"""One loaded version of an export. This module knows no TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.inference import signatures
from maskconver_tf.inference.tiles.known_window import KnownWindow
from maskconver_tf.serving.versions.signature_info import SignatureInfo

Run = Callable[[str, Mapping[str, np.ndarray]], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True, eq=False)
class ModelVersion:
    """A version in memory.

    Attributes:
      number: the name of its folder.
      categories: the class list.
      signatures: name -> inputs and outputs.
      signature_json: the same as TensorFlow Serving's metadata shows them.
      preprocessing: content of the asset `preprocessing.json`.
      fusion: settings of the fusion, from the asset `provenance.json`.
      batch_sizes: the batch sizes that it was exported for, and 1; from the same asset.
      run: runs a signature: its name and inputs -> outputs. Strings are arrays of bytes objects.
      recalibration: the curves that the graph applies to the scores of segments; None if it keeps
        the scores of the network.
      window: the size of a picture that fills the input at the scale of the training, if it is
        known.
    """

    number: int
    categories: Categories
    signatures: dict[str, SignatureInfo]
    signature_json: dict[str, Any]
    preprocessing: dict[str, Any]
    fusion: dict[str, Any]
    batch_sizes: tuple[int, ...]
    run: Run
    recalibration: Recalibration | None = None
    window: KnownWindow | None = None

    def warning(self, height: int, width: int) -> str | None:
        """Says what is lost in a picture that the model shrinks much; None for other pictures."""
        found = self.window and self.window.shrinking(height, width)
        return (
            f"The picture {found}. `maskconver predict --tile auto` keeps them" if found else None
        )

    @property
    def threshold_names(self) -> list[str]:
        """Names of the thresholds that a request may set."""
        inputs = self.signatures[signatures.SERVING_WITH_THRESHOLDS].inputs
        return [name for name in inputs if name != signatures.ENCODED_IMAGES]

    @property
    def has_proposals(self) -> bool:
        """Whether `raw_heads` returns proposals; a Panoptic-DeepLab has none."""
        heads = self.signatures.get(signatures.RAW_HEADS)
        return heads is not None and "proposal_scores" in heads.outputs

    @property
    def max_pixels(self) -> int:
        """Most pixels of a picture that the graph decodes."""
        return int(self.preprocessing["max_pixels"])
