"""The limit of pixels of a picture, which stops small files that unpack to fill the memory."""

from __future__ import annotations

import re

from maskconver_tf.errors import UserError

MAX_PIXELS = 178_956_970
"""Most pixels of a picture, unless `--max_pixels` raises the limit. Pillow's own limit is equal."""

LARGEST_MAX_PIXELS = 2**29 - 1
"""The highest limit: TensorFlow decodes no picture with more pixels."""

HELP = f"most pixels of a picture (default: {MAX_PIXELS}, at most {LARGEST_MAX_PIXELS})"
"""What `--help` says about the option."""


def parse_max_pixels(text: str) -> int:
    """Returns the value of `--max_pixels`; raises `UserError` if it is not a legal number."""
    number = int(text) if re.fullmatch(r"\s*\+?[0-9]{1,18}\s*", str(text)) else 0
    if not 1 <= number <= LARGEST_MAX_PIXELS:
        raise UserError(
            f"--max_pixels {text}: expected a whole number from 1 to {LARGEST_MAX_PIXELS}, "
            "which is the most that TensorFlow decodes, in the digits 0 to 9 only; omit the option "
            f"for {MAX_PIXELS}"
        )
    return number
