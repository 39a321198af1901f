"""The sizes that limit what a model can express: inputs, slots and strides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from maskconver_tf.datasets.records.codec import MAX_SEGMENTS
from maskconver_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class ModelGrid:
    """Input sizes, slots and strides of the model that the dataset is checked for.

    Attributes:
      input_sizes: (height, width) of each input, multiples of 32.
      num_slots: most segments that a picture can have in training.
      label_stride: input pixels per cell of the labels; divides `mask_stride`.
      mask_stride: input pixels per cell of the masks.
    """

    input_sizes: Sequence[tuple[int, int]] = ((640, 640),)
    num_slots: int = 248
    label_stride: int = 2
    mask_stride: int = 4

    def __post_init__(self):
        for size in self.input_sizes:
            if len(size) != 2 or any(side <= 0 or side % 32 for side in size):
                raise UserError(
                    f"--input_size {','.join(map(str, size))}: expected height and width, positive "
                    "multiples of 32, such as 640,640"
                )
        if not 1 <= self.num_slots <= MAX_SEGMENTS:
            raise UserError(
                f"--num_slots {self.num_slots}: expected 1 to {MAX_SEGMENTS}, the most segments of "
                "a picture; omit it for 248"
            )
        if min(self.label_stride, self.mask_stride) < 1 or self.mask_stride % self.label_stride:
            raise UserError(
                f"--mask_stride {self.mask_stride}, --label_stride {self.label_stride}: expected a "
                "label stride of 1 or more and a mask stride that is a multiple of it, such as "
                "--label_stride 2 --mask_stride 4"
            )
