"""Maps the channels of the pictures of requests, for a model that was trained on mapped ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.files.channels.mapped_png import encode_mapped, open_mapped
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.pictures import TooManyPixels, UnreadablePicture
from maskconver_tf.serving.refusals import Refusal


def map_file(encoded: bytes, mapping: ChannelMapping, max_pixels: int = MAX_PIXELS) -> bytes:
    """Returns the file that the graph of the export takes; an empty one stays empty.

    Raises:
      Refusal: 413, a picture is too large; 422, it cannot be read or lacks a channel.
    """
    with _refusals(max_pixels):
        return encoded and encode_mapped(encoded, mapping, max_pixels)


def map_picture(
    encoded: bytes, mapping: ChannelMapping, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Returns the mapped picture, uint8 `[h, w, 3]`.

    Raises:
      Refusal: as `map_file`.
    """
    with _refusals(max_pixels):
        return np.asarray(open_mapped(encoded, mapping, max_pixels))


@contextlib.contextmanager
def _refusals(most: int) -> Iterator[None]:
    try:
        yield
    except TooManyPixels as error:
        sentence = f"The picture has too many pixels: {error}; at most {most} are accepted"
        raise Refusal(413, sentence, "pixels") from None
    except UnreadablePicture as error:
        sentence = (
            f"The picture is refused: {error}; this model needs a picture with the channels of its "
            "training"
        )
        raise Refusal(422, sentence, "picture") from None
