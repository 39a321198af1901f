"""Bands hold all that the windows have found."""

from __future__ import annotations

import numpy as np
import pytest

from maskconver_tf.inference.tiles.joining.window_row import WindowRow, bands_of
from maskconver_tf.inference.tiles.windows import most_seen, place_windows


@pytest.mark.parametrize(
    ("length", "size", "overlap"), [(160, 100, 50), (100, 30, 10), (20, 32, 8)]
)
def test_most_seen_counts_the_windows_of_each_pixel(length, size, overlap):
    windows = place_windows(length, size, overlap)
    counts = [sum(w.start <= at < w.end for w in windows) for at in range(length)]
    assert most_seen(windows) == max(counts)


@pytest.mark.parametrize(
    ("height", "width", "size", "overlap"),
    [(160, 90, 100, 50), (90, 160, 100, 50), (70, 83, 30, 7), (30, 40, 32, 1)],
)
def test_bands_hold_all_windows_and_know_the_owner(height, width, size, overlap):
    columns = place_windows(width, size, overlap)
    bands = place_windows(height, size, overlap)
    seen = [[set() for _ in range(width)] for _ in range(height)]
    owner = np.zeros((height, width), int)

    def rows():
        for i, y in enumerate(bands):
            row = WindowRow(y, columns)
            for j, x in enumerate(columns):
                number = 1 + i * len(columns) + j
                row.add(np.full((y.end - y.start, x.end - x.start), number), None)
                owner[y.first : y.last, x.first : x.last] = number
                for line in seen[y.start : y.end]:
                    for cell in line[x.start : x.end]:
                        cell.add(number)
            yield row

    found = list(bands_of(rows(), most_seen(bands)))
    np.testing.assert_array_equal(np.concatenate([band.owned for band in found]), owner)
    for y, band in zip(bands, found, strict=True):
        for line, numbers in zip(seen[y.first : y.last], band.owned):
            for cell, number in zip(line, numbers):
                cell.remove(number)
        for top, left, parts in band.patches:
            assert len(set(parts.ravel())) == 1
            for line in seen[y.first + top : y.first + top + len(parts)]:
                for cell in line[left : left + parts.shape[1]]:
                    cell.remove(parts[0, 0])
    assert not any(cell for line in seen for cell in line)
