"""Looks for faults of the first training pictures, before anything is trained on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from maskconver_tf import types
from maskconver_tf.planning.learn_by_heart.label_edges import (
    Peak,
    agreement,
    borders,
    edge_strength,
    find_peak,
    on_canvas,
)

_CLEAR = 12.0
"""Height of a peak of all pictures together that no chance explains."""
_CLEAR_ALONE = 8.0
"""The same for one picture."""
_IN_PLACE = 2
"""Pixels that a peak in place may be off: half a cell of the label grid, and rounding."""

_MIRRORED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored left to right": lambda array: array[:, ::-1],
    "mirrored top to bottom": lambda array: array[::-1],
    "turned upside down": lambda array: array[::-1, ::-1],
}


@dataclasses.dataclass(frozen=True)
class InputReport:
    """What was found.

    Attributes:
      faults: sentences, each about a fault that no training can cure.
      borders_agree: whether the borders of the segments lie on edges of their pictures. None if no
        fault was found, but the borders follow no edges either.
    """

    faults: tuple[str, ...]
    borders_agree: bool | None


@dataclasses.dataclass(frozen=True)
class _Picture:
    edges: np.ndarray
    labels: np.ndarray
    """The map at input size, without padding."""


def examine(examples: Sequence[dict[str, np.ndarray]], num_proposals: int | None) -> InputReport:
    """Looks at training examples without augmentation.

    Args:
      examples: fields of a training batch, one dict a picture.
      num_proposals: largest number of segments that the model can predict; None if unknown.
    """
    pictures = [_picture(example) for example in examples]
    faults, agree = _border_faults(pictures)
    counts = _count_faults(examples, num_proposals)
    return InputReport((*faults, *counts), agree)


def _picture(example: dict[str, np.ndarray]) -> _Picture:
    image, slot_map = example[types.IMAGE], example[types.SLOT_MAP]
    height, width = (int(side) for side in example[types.CONTENT_SIZE])
    stride = image.shape[0] // slot_map.shape[0]
    labels = slot_map.repeat(stride, 0).repeat(stride, 1)[:height, :width]
    return _Picture(on_canvas(edge_strength(image[:height, :width]), image.shape[:2]), labels)


# ---- Borders -------------------------------------------------------------------------------------
def _border_faults(pictures: Sequence[_Picture]) -> tuple[list[str], bool | None]:
    """Returns the faults of the borders, and `InputReport.borders_agree`."""
    together = _peak(pictures, lambda labels: labels)
    if together.height >= _CLEAR and _is_in_place(together):
        return [], True
    own = [find_peak(_agreement(picture, picture.labels)) for picture in pictures]
    if fault := _swapped(pictures, own):
        return [fault], False
    if together.height >= _CLEAR and _is_shared(together, own):
        return [_shifted(together.shift)], False
    for how, change in _MIRRORED.items():
        peak = _peak(pictures, change)
        if peak.height >= _CLEAR and peak.height > 2 * together.height:
            return [f"the labels are {how}: {_FIT} if they are turned back"], False
    if fault := _shifted_each(own):
        return [fault], False
    return [], (True if _is_in_place(together) and together.height >= _CLEAR / 2 else None)


_FIT = "the borders of the segments lie on the edges of the pictures"


def _peak(pictures: Sequence[_Picture], change: Callable[[np.ndarray], np.ndarray]) -> Peak:
    return find_peak(np.mean([_agreement(p, change(p.labels)) for p in pictures], axis=0))


def _agreement(picture: _Picture, labels: np.ndarray) -> np.ndarray:
    return agreement(picture.edges, on_canvas(borders(labels), picture.edges.shape))


def _is_in_place(peak: Peak) -> bool:
    return max(map(abs, peak.shift)) <= _IN_PLACE


def _shifted(shift: tuple[int, int]) -> str:
    y, x = shift
    parts = [f"{abs(y)} pixels too {'low' if y > 0 else 'high'}"] if y else []
    parts += [f"{abs(x)} pixels too far {'right' if x > 0 else 'left'}"] if x else []
    return f"the labels lie {' and '.join(parts)} (pixels of the input): {_FIT} if moved back"


def _is_shared(together: Peak, own: Sequence[Peak]) -> bool:
    """Whether most pictures with a clear peak of their own have it where all together have it."""
    clear = [peak for peak in own if peak.height >= _CLEAR_ALONE]
    near = [peak for peak in clear if _distance(peak.shift, together.shift) <= _IN_PLACE]
    return 2 * len(near) >= len(clear)


def _distance(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(abs(a - b) for a, b in zip(one, other))


def _shifted_each(own: Sequence[Peak]) -> str:
    shifted = [p for p in own if p.height >= _CLEAR_ALONE and not _is_in_place(p)]
    if 2 * len(shifted) <= len(own):
        return ""
    most = max(_distance(peak.shift, (0, 0)) for peak in shifted)
    return (
        f"the labels of {len(shifted)} of {len(own)} pictures are shifted, each in its own way, up "
        f"to {most} pixels of the input"
    )


def _swapped(pictures: Sequence[_Picture], own: Sequence[Peak]) -> str:
    swapped = sum(_fits_another(pictures, i, peak) for i, peak in enumerate(own))
    if 2 * swapped < len(own):
        return ""
    return (
        f"{swapped} of {len(own)} pictures have labels that fit another of these pictures: "
        "pictures and labels are paired wrongly"
    )


def _fits_another(pictures: Sequence[_Picture], index: int, own: Peak) -> bool:
    """Whether the labels of a picture lie on the edges of another one, and not on its own."""
    if own.height_in_place >= _CLEAR_ALONE / 2:
        return False
    labels = pictures[index].labels
    others = (p for i, p in enumerate(pictures) if i != index)
    return any(find_peak(_agreement(p, labels)).height_in_place >= _CLEAR_ALONE for p in others)


# ---- Counts --------------------------------------------------------------------------------------
def _count_faults(
    examples: Sequence[dict[str, np.ndarray]], num_proposals: int | None
) -> list[str]:
    faults = []
    counts = [int((example[types.SLOT_CLASS_IDS] != types.PAD_ID).sum()) for example in examples]
    dropped = [int(example[types.NUM_DROPPED]) for example in examples]
    if not any(counts):
        return ["no picture has a segment: all labels are void"]
    if 4 * sum(dropped) > sum(dropped) + sum(counts):
        faults.append(
            f"{sum(dropped)} of {sum(dropped) + sum(counts)} segments get no slot: raise "
            "TargetBuilder.num_slots above the number of segments of a picture, or the input size "
            "if segments share a cell"
        )
    if num_proposals is not None and max(counts) > num_proposals:
        faults.append(
            f"a picture has {max(counts)} segments, but MaskConver.num_proposals = "
            f"{num_proposals}: raise it above the number of segments of a picture"
        )
    return faults
