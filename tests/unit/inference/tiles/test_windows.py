"""Where windows lie, and who owns a pixel."""

import itertools

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.inference.tiles.windows import TileSize, Window, place_windows, tile_size


def test_a_small_picture_has_one_window():
    assert place_windows(30, 32, 8) == [Window(0, 30, 0, 30)]
    assert place_windows(32, 32, 8) == [Window(0, 32, 0, 32)]


def test_one_pixel_more_needs_two_windows():
    assert place_windows(33, 32, 8) == [Window(0, 32, 0, 16), Window(1, 33, 16, 33)]


def test_windows_cover_overlap_and_share_out_all_pixels():
    for length in range(1, 130):
        for size, overlap in ((32, 8), (16, 1), (20, 10), (9, 4)):
            windows = place_windows(length, size, overlap)
            assert windows[0].start == windows[0].first == 0
            assert windows[-1].end == windows[-1].last == length
            for one, other in itertools.pairwise(windows):
                assert one.end - other.start >= overlap
                assert one.last == other.first
                assert other.start <= other.first <= one.end
            for window in windows:
                assert window.end - window.start == min(length, size)
                assert window.start <= window.first < window.last <= window.end


def test_the_overlap_is_a_quarter_by_default():
    assert tile_size(512, 640) == TileSize(512, 640, 128)
    assert tile_size(64, 64, 32) == TileSize(64, 64, 32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((31, 512), "--tile 31,512: expected sides of at least 32"),
        ((64, 64, 0), "--overlap 0: expected 1 to 32"),
        ((64, 640, 33), "--overlap 33: expected 1 to 32"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        tile_size(*arguments)
