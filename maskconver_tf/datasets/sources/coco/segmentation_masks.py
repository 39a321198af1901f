"""Decodes a COCO `segmentation`, polygons or run lengths, into a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskconver_tf.errors import found_instead, typed_repr

_FARTHEST = 1_000_000
"""Largest coordinate of a polygon point, in pixels: pycocotools crashes on much larger ones."""

_SHARES = -0.5, 1.5
"""Coordinates in this range are taken for shares of width and height.

Tools write 0..1, and slightly more for objects at the border. In pixels such an object would be one
pixel in the upper left corner.
"""


def decode_segmentation(segmentation: Any, height: int, width: int) -> np.ndarray:
    """Returns the mask, bool `[height, width]`, of polygons or of run lengths.

    Args:
      segmentation: a list of polygons, or a dict of `size` and `counts` (compressed or not).

    Raises:
      KeyError, TypeError, ValueError: the segmentation is malformed.
    """
    from pycocotools import mask as coco_mask

    if isinstance(segmentation, dict):
        for key in ("size", "counts"):
            if key not in segmentation:
                hint = found_instead(key, segmentation.keys() - {"size", "counts"})
                raise ValueError(f"it has no {key}{hint}")
        if not isinstance(segmentation["size"], list):
            raise ValueError(f"size {typed_repr(segmentation['size'])}, not [{height}, {width}]")
        if list(segmentation["size"]) != [height, width]:
            size = ", ".join(map(typed_repr, segmentation["size"]))
            raise ValueError(f"size {size}, not height {height} and width {width}")
        runs = _run_lengths(segmentation["counts"])
        if sum(runs) != height * width:
            raise ValueError(
                f"runs add up to {sum(runs)} pixels, not {height} x {width} = {height * width}"
            )
        runs = {"size": [height, width], "counts": runs}
        return coco_mask.decode(coco_mask.frPyObjects(runs, height, width)).astype(bool)
    if not isinstance(segmentation, list):
        raise ValueError(f"it is {typed_repr(segmentation)}, not polygons or run lengths")
    polygons = [_checked_polygon(polygon) for polygon in segmentation]
    if not polygons:
        raise ValueError("no polygon: a box alone does not say which pixels belong to the instance")
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))).astype(
        bool
    )


def _checked_polygon(polygon: Any) -> list[float]:
    expected = "a polygon is a list of at least three x, y pairs"
    if not isinstance(polygon, list):
        raise ValueError(f"found {typed_repr(polygon)}, but {expected}")
    if len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"found a list of {len(polygon)} numbers, but {expected}")
    for x in polygon:
        if type(x) not in (int, float) or not abs(x) <= _FARTHEST:
            raise ValueError(
                f"found {typed_repr(x)}, but the coordinates of a polygon are numbers from "
                f"-{_FARTHEST} to {_FARTHEST}"
            )
    return polygon


def _run_lengths(counts: list[int] | str) -> list[int]:
    """Returns the run lengths of either form, checked: pycocotools accepts malformed ones.

    A compressed run is a number with five bits in each character, the lowest bits first. The
    highest of its bits is the sign. From the fourth run on, the number is the difference to the run
    two places before.
    """
    if not isinstance(counts, str | list):
        raise ValueError(f"counts is {typed_repr(counts)}, not a list or text")
    if not isinstance(counts, str):
        runs = counts
    else:
        runs, value, shift = [], 0, 0
        for code in counts.encode():
            value |= (code - 48 & 31) << shift
            shift += 5
            if code - 48 < 32:
                value -= (code - 48 & 16) << shift - 4
                runs.append(value + runs[-2] if len(runs) > 2 else value)
                value = shift = 0
        if shift:
            raise ValueError("the last run is cut short")
    for run in runs:
        if type(run) is not int or run < 0:
            raise ValueError(f"found {typed_repr(run)}, but runs are whole numbers, 0 or more")
    return runs


def why_no_pixel(segmentation: Any, mask: np.ndarray) -> str | None:
    """Says why a decoded segmentation does not show its object, or returns None if it does.

    Polygons in shares of the picture cover no pixel, or one in the corner that has no object.
    """
    if not isinstance(segmentation, list):
        return None if mask.any() else "the run lengths mark no pixel"
    numbers = [x for polygon in segmentation for x in polygon]
    least, most = min(numbers), max(numbers)
    if _SHARES[0] <= least and most <= _SHARES[1]:
        return (
            f"all its coordinates lie from {least:g} to {most:g}: they are probably shares of "
            "width and height, expected pixels"
        )
    if mask.any():
        return None
    return f"the polygons cover no pixel; their coordinates lie from {least:g} to {most:g}"
