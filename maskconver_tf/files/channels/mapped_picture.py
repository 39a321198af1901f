"""Opens a picture through a channel mapping, or as an ordinary picture without one."""

from __future__ import annotations

from PIL import Image

from maskconver_tf.files.channels.channel_mapping import ChannelMapping, MissingChannel
from maskconver_tf.files.channels.stored_channels import read_channels
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.files.pictures import UnusableChannels, UnusableNumbers, open_color_picture

MAPPED = "mapped"
"""`format` of a picture that went through a mapping; `to_plain_rgb` names it in its text."""


def open_picture(
    encoded: bytes, max_pixels: int = MAX_PIXELS, mapping: ChannelMapping | None = None
) -> Image.Image:
    """Decodes a picture that `to_plain_rgb` can convert.

    Args:
      mapping: makes 8-bit RGB of the stored channels; the result is upright. None reads the file by
        the rules of `files.pictures`.

    Raises:
      UnreadablePicture, TooManyPixels, UnusableNumbers: as `open_color_picture`.
      UnusableChannels: the picture lacks a channel, or is a stack or a film.
    """
    if mapping is None:
        return open_color_picture(encoded, max_pixels)
    channels = read_channels(encoded, max_pixels)
    try:
        picture = Image.fromarray(mapping.apply(channels))
    except MissingChannel as error:
        raise UnusableChannels(str(error)) from None
    except ValueError as error:
        raise UnusableNumbers(str(error)) from None
    picture.format = MAPPED
    return picture
