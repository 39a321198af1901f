"""PQ ceilings of one input size that do not depend on luck with the grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_GROUPS = {"pq": "all", "pq_things": "things", "pq_stuff": "stuff"}


class SizeCeilings:
    """Measures the ceiling on the grid as it lies and on a grid that lies half a cell beside it.

    Where segments happen to end at cells, the ceiling is higher than for new pictures. The mean of
    both grids is the number to compare sizes by. A third ceiling has labels at stride 1, which
    tells what the label stride costs.

    Attributes:
      input_size: (height, width).
      num_pictures: number of pictures so far.
    """

    def __init__(
        self,
        make_ceiling: Callable[[int], Any],
        input_size: tuple[int, int],
        label_stride: int,
        mask_stride: int,
    ):
        """
        Args:
          make_ceiling: makes a `Ceiling` of this size from a label stride.
          input_size: (height, width).
          label_stride: stride of the labels.
          mask_stride: stride of the masks.
        """
        self.input_size = input_size
        self._aligned, self._shifted = make_ceiling(label_stride), make_ceiling(label_stride)
        self._fine = make_ceiling(1) if label_stride > 1 else None
        self._mask_stride = mask_stride

    @property
    def num_pictures(self) -> int:
        return self._aligned.num_pictures

    @property
    def num_dropped(self) -> int:
        """Segments without a slot, on the grid as it lies."""
        return self._aligned.num_dropped

    def add(self, segment_map: np.ndarray, class_ids: Any, is_crowd: Any) -> None:
        """Scores one picture; see `Ceiling.add`."""
        self._aligned.add(segment_map, class_ids, is_crowd)
        if self._fine:
            self._fine.add(segment_map, class_ids, is_crowd)
        shift = half_cell(segment_map.shape, self.input_size, self._mask_stride)
        moved, left = shifted(segment_map, shift)
        if len(left):
            self._shifted.add(moved, np.asarray(class_ids)[left], np.asarray(is_crowd)[left])

    def to_json(self) -> dict[str, Any]:
        """Returns the mean of both grids in percent, both grids, and the one with fine labels."""
        aligned, shifted_ = self._scores(self._aligned), self._scores(self._shifted)
        fine = self._scores(self._fine) if self._fine else None
        return {
            "input_size": list(self.input_size),
            "num_pictures": self.num_pictures,
            "num_dropped_segments": self.num_dropped,
            **{name: _mean(aligned[name], shifted_[name]) for name in _GROUPS},
            "pq_aligned": aligned["pq"],
            "pq_shifted": shifted_["pq"],
            "pq_label_stride_1": fine["pq"] if fine else aligned["pq"],
        }

    def _scores(self, ceiling: Any) -> dict[str, float | None]:
        quality = ceiling.result()
        found = {name: getattr(quality, group).pq for name, group in _GROUPS.items()}
        return {name: None if np.isnan(pq) else round(100.0 * pq, 2) for name, pq in found.items()}


def with_times(ceilings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds `relative_time` to what `SizeCeilings.to_json` returned for each size.

    It is the time of a picture as a multiple of that at the first size. The work of a network grows
    with the pixels of its input.
    """
    pixels = [int(np.prod(ceiling["input_size"])) for ceiling in ceilings]
    return [
        ceiling | {"relative_time": round(count / pixels[0], 3)}
        for ceiling, count in zip(ceilings, pixels, strict=True)
    ]


def half_cell(size: tuple[int, ...], input_size: tuple[int, int], mask_stride: int) -> int:
    """Returns half a cell of the masks in pixels of a picture, at least one pixel."""
    scale = min(wanted / side for wanted, side in zip(input_size, size, strict=True))
    return min(max(1, round(mask_stride / scale / 2)), min(size) - 1)


def shifted(segment_map: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Moves a map up and to the left. What comes in is void; segments that went out are removed.

    Returns:
      The map with segments numbered from 1, and the places of the segments that are left.
    """
    moved = np.zeros_like(segment_map)
    if pixels:
        moved[:-pixels, :-pixels] = segment_map[pixels:, pixels:]
    else:
        moved[:] = segment_map
    numbers = np.unique(moved)
    left = numbers[numbers > 0].astype(np.int64)
    table = np.zeros(int(segment_map.max(initial=0)) + 1, segment_map.dtype)
    table[left] = np.arange(1, len(left) + 1)
    return table[moved], left - 1


def _mean(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return round(sum(known) / len(known), 2) if known else None
