"""Decodes a picture of a request outside the graph, as the local API does."""

from __future__ import annotations

import numpy as np

from maskconver_tf.files.pictures import (
    UnreadablePicture,
    open_color_picture,
    plain_pixels,
    to_plain_rgb,
)
from maskconver_tf.serving.refusals import Refusal


def upright_picture(encoded: bytes) -> np.ndarray:
    """Returns uint8 `[h, w, 3]`, upright RGB.

    Raises:
      Refusal: 422, the file cannot be decoded.
    """
    try:
        plain, _ = to_plain_rgb(encoded, open_color_picture(encoded), turn=True)
        return plain_pixels(plain)
    except UnreadablePicture:
        raise Refusal(422, "The picture is damaged or incomplete", "picture") from None
