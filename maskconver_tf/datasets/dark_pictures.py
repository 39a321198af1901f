"""Tells that a conversion to 8 bits made pictures nearly black."""

from __future__ import annotations

from collections.abc import Mapping

from maskconver_tf.files.pictures import NEARLY_BLACK


def dark_advice(conversions: Mapping[str, int]) -> list[str]:
    """Returns a sentence if pictures became nearly black, else nothing.

    Args:
      conversions: text of `to_plain_rgb` -> number of pictures.
    """
    count = sum(number for text, number in conversions.items() if NEARLY_BLACK in text)
    if not count:
        return []
    are = "1 picture of 16 bits is" if count == 1 else f"{count} pictures of 16 bits are"
    return [
        f"{are} nearly black in 8 bits: the numbers use less than a quarter of the range. "
        "`maskconver data build --percentiles 0.1,99.9` spreads them, and those of later "
        "predictions, too"
    ]
