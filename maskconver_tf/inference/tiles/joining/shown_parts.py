"""Decides which of the windows that see a segment shows it, and where."""

from __future__ import annotations

import numpy as np

from maskconver_tf.inference.tiles.joining.window_row import Band, Patch

HIDDEN, STUFF, OWNED, WHOLE = range(4)
"""How a part is shown: not at all; as stuff, where no thing is; a thing, in the pixels that its
window owns; a thing, in all pixels that its window sees."""


def choose_shown(
    is_thing: np.ndarray,
    is_cut: np.ndarray,
    owns_center: np.ndarray,
    boxes: np.ndarray,
    windows: np.ndarray,
    group: np.ndarray,
) -> np.ndarray:
    """Decides how each part is shown.

    If a window sees all of a thing, it shows it whole; of several windows, the one in which the
    thing is farthest from the edges. What others found of it is hidden. A thing that no window sees
    whole is put together of the pixels that each window owns. What only one window has found counts
    if that window owns its center, since the owner sees the surroundings best.

    Args:
      is_thing: bool `[n]`.
      is_cut: bool `[n]`: the part reaches an edge of its window inside the picture.
      owns_center: bool `[n]`: the window owns the middle of the part's box.
      boxes: of the parts, (y0, x0, y1, x1), `[n, 4]`.
      windows: what the window of each part sees, `[n, 4]`.
      group: the segment of each part, `[n]`.

    Returns:
      int8 `[n]`.
    """
    count = group.max(initial=-1) + 1
    of_group = joined_boxes(group, count, boxes)
    inside = np.concatenate([boxes[:, :2] - windows[:, :2], windows[:, 2:] - boxes[:, 2:]], axis=1)
    all_inside = (of_group[group, :2] >= windows[:, :2]) & (of_group[group, 2:] <= windows[:, 2:])
    sees_all = is_thing & ~is_cut & all_inside.all(axis=1)
    order = np.lexsort([-inside.min(axis=1), ~sees_all, group])
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = group[order[1:]] != group[order[:-1]]
    shows_whole = np.zeros(len(order), np.bool_)
    shows_whole[order[is_first]] = sees_all[order[is_first]]
    has_whole = np.zeros(count, np.bool_)
    has_whole[group[shows_whole]] = True
    is_alone = np.bincount(group, minlength=count)[group] == 1
    shown = np.where(shows_whole, WHOLE, np.where(has_whole[group], HIDDEN, OWNED))
    shown[is_alone & ~owns_center] = HIDDEN
    shown[~is_thing] = STUFF
    return shown.astype(np.int8)


def joined_boxes(group: np.ndarray, count: int, boxes: np.ndarray) -> np.ndarray:
    """Returns the box around the boxes of each group, int64 `[count, 4]`."""
    joined = np.empty((count, 4), np.int64)
    joined[:, :2], joined[:, 2:] = np.iinfo(np.int64).max, 0
    for side, reduce in enumerate((np.minimum, np.minimum, np.maximum, np.maximum)):
        reduce.at(joined[:, side], group, boxes[:, side])
    return joined


def paint(band: Band, shown: np.ndarray) -> np.ndarray:
    """Returns the part that each pixel of a band shows.

    Things come before stuff, and the window that owns a pixel before others.

    Args:
      band: what the windows found.
      shown: how each part number is shown, int8 `[n + 1]`.

    Returns:
      int32 `[n, width]`.
    """
    kinds = shown[band.owned]
    painted = np.where(kinds >= OWNED, band.owned, 0)
    _fill(painted, band.patches, shown == WHOLE)
    is_stuff = (painted == 0) & (kinds == STUFF)
    painted[is_stuff] = band.owned[is_stuff]
    _fill(painted, band.patches, shown == STUFF)
    return painted


def _fill(painted: np.ndarray, patches: list[Patch], is_wanted: np.ndarray) -> None:
    """Fills empty pixels with those parts of the patches that are wanted, bool `[n + 1]`."""
    for top, left, parts in patches:
        height, width = parts.shape
        place = painted[top : top + height, left : left + width]
        np.copyto(place, parts, where=(place == 0) & is_wanted[parts])
