"""What a user chooses for a LiteRT export."""

from __future__ import annotations

import dataclasses

from maskconver_tf.inference.litert.lite_file import PRECISIONS


@dataclasses.dataclass(frozen=True)
class LiteOptions:
    """Choices for a LiteRT export.

    Attributes:
      precisions: some of `PRECISIONS`.
      float_tensors: regular expression of tensors that int8 leaves in float32, or None.
      train_data: dataset folder for calibration; needed for int8.
      eval_data: dataset folder for scores, or None for no scores.
      num_calibration: number of pictures for calibration.
      num_scored: number of pictures that are scored.
    """

    precisions: tuple[str, ...] = PRECISIONS
    float_tensors: str | None = None
    train_data: str | None = None
    eval_data: str | None = None
    num_calibration: int = 32
    num_scored: int = 50
