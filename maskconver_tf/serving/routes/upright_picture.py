"""Decodes a picture of a request outside the graph, as the local API does."""

from __future__ import annotations

import numpy as np

from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.pictures import (
    UnreadablePicture,
    open_color_picture,
    plain_pixels,
    to_plain_rgb,
)
from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.web.mapped_files import map_picture


def upright_picture(
    encoded: bytes,
    size: tuple[int, int] | None = None,
    mapping: ChannelMapping | None = None,
) -> np.ndarray:
    """Returns uint8 `[h, w, 3]`, upright RGB.

    Args:
      encoded: the file.
      size: height and width that the model found. It reads fewer kinds of orientation than this
        function (`docs/export.md`), so a picture that it did not turn is not turned here either.
      mapping: the channel mapping of the model.

    Raises:
      Refusal: 422, the file cannot be decoded, or has another size.
    """
    if mapping is not None:
        return map_picture(encoded, mapping)
    for turn in (True, False):
        try:
            plain, _ = to_plain_rgb(encoded, open_color_picture(encoded), turn=turn)
            pixels = plain_pixels(plain)
        except UnreadablePicture:
            break
        if size in (None, pixels.shape[:2]):
            return pixels
    raise Refusal(422, "The picture is damaged or incomplete", "picture")
