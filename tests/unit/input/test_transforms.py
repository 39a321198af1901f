"""Scaling, cropping and flipping keep picture and map together."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.input import transforms
from tests.unit.input.placed_pictures import fit_image_and_map, random_scale_and_crop

CANVAS = (64, 96)


def _scene(height, width, block=8):
    """Blocks of 1, 2, ... and a picture whose color tells the block."""
    rows, columns = np.indices([height, width]) // block
    segment_map = (rows * (width // block) + columns + 1).astype(np.int32)
    return _colors(segment_map), segment_map


def _colors(segment_map):
    """uint8 `[h, w, 3]`: a color for each segment; black for void."""
    return np.stack([segment_map * 37 % 256, segment_map * 101 % 256, segment_map], -1).astype(
        np.uint8
    )


def _far_from_borders(segment_map, reach):
    """True where all pixels up to `reach` away are of the same segment."""
    padded = np.pad(segment_map, reach, constant_values=-1)
    views = np.lib.stride_tricks.sliding_window_view(padded, [2 * reach + 1] * 2)
    return (views == segment_map[..., None, None]).all(axis=(2, 3))


def _assert_aligned(image, segment_map, content_size):
    height, width = content_size
    assert not image[height:].any()
    assert not image[:, width:].any()
    assert not segment_map[height:].any()
    assert not segment_map[:, width:].any()
    assert (segment_map[:height, :width] > 0).all()
    inside = _far_from_borders(segment_map, 3) & (segment_map > 0)
    expected = _colors(segment_map)[inside].astype(int)
    assert np.abs(image[inside] - expected).max(initial=0) <= 1


# ---- Fitting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image_size", "canvas_size", "expected"),
    [
        ((480, 640), (640, 640), (480, 640)),
        ((640, 480), (640, 640), (640, 480)),
        ((427, 640), (640, 640), (428, 640)),  # Whole cells of 4 pixels.
        ((425, 640), (640, 640), (424, 640)),
        ((2000, 1000), (640, 640), (640, 320)),
        ((480, 640), (800, 1216), (800, 1068)),  # 1066.67: the height binds.
        ((3, 2), (96, 160), (96, 64)),
        ((1, 1), (96, 160), (96, 96)),
        ((1, 5000), (96, 160), (4, 160)),  # Never less than one cell.
        ((5000, 1), (96, 160), (96, 4)),
    ],
)
def test_fitted_size(image_size, canvas_size, expected):
    found = transforms.fitted_size(tf.constant(image_size), canvas_size)
    assert found.dtype == tf.int32
    assert tuple(found.numpy()) == expected


@pytest.mark.parametrize("size", [(64, 96), (40, 24), (120, 240), (7, 300), (333, 8)])
def test_a_fitted_picture_lies_at_the_top_left_with_its_map(size):
    source = _scene(*size, block=8)
    image, segment_map, content = (value.numpy() for value in fit_image_and_map(*source, CANVAS))
    assert (image.shape, image.dtype) == ((*CANVAS, 3), np.uint8)
    assert (segment_map.shape, segment_map.dtype) == (CANVAS, np.int32)
    assert tuple(content) == tuple(transforms.fitted_size(tf.constant(size), CANVAS).numpy())
    _assert_aligned(image, segment_map, content)


def test_a_picture_that_fits_already_is_unchanged():
    image, segment_map = _scene(*CANVAS)
    fitted, fitted_map, size = fit_image_and_map(image, segment_map, CANVAS)
    np.testing.assert_array_equal(fitted, image)
    np.testing.assert_array_equal(fitted_map, segment_map)
    assert tuple(size.numpy()) == CANVAS


def test_a_one_pixel_picture_fills_a_square():
    image, segment_map, size = fit_image_and_map(
        tf.constant([[[9, 8, 7]]], tf.uint8), tf.constant([[1]]), CANVAS
    )
    assert size.numpy().tolist() == [64, 64]
    assert (image[:64, :64].numpy() == [9, 8, 7]).all()
    assert segment_map.numpy().sum() == 64 * 64


# ---- Resizing ------------------------------------------------------------------------------------


def test_maps_are_sampled_at_pixel_centers_and_never_mixed():
    segment_map = tf.constant([[1, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9], [300, 1, 1, 70_000]])
    smaller = transforms.resize_map(segment_map, tf.constant([2, 2]))
    assert smaller.numpy().tolist() == [[6, 8], [1, 70_000]]
    larger = transforms.resize_map(smaller, tf.constant([4, 4]))
    np.testing.assert_array_equal(larger, np.kron(smaller, np.ones([2, 2])))


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (13, 7), (20, 30), (41, 60), (7, 90)])
def test_maps_are_sampled_as_tensorflow_does_it(size):
    segment_map = np.random.default_rng(1).integers(0, 60_000, [20, 30])
    expected = tf.image.resize(segment_map[..., None], size, method="nearest")[..., 0]
    for dtype in (tf.int32, tf.uint16):
        found = transforms.resize_map(tf.cast(segment_map, dtype), tf.constant(size))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)


def test_pictures_are_averaged_where_they_shrink():
    # Every fourth column is bright: without antialiasing none of them would be seen.
    stripes = np.zeros([16, 64, 3], np.uint8)
    stripes[:, ::4] = 200
    small = transforms.resize_image(tf.constant(stripes), tf.constant([4, 16])).numpy()
    assert small.dtype == np.uint8
    assert np.abs(small[:, 1:-1].astype(int) - 50).max() <= 1


def test_training_filters_only_what_shrinks_by_more_than_two():
    stripes = np.zeros([30, 60, 3], np.uint8)
    stripes[:, ::3] = 240
    widths = {15: True, 29: True, 30: False, 45: False}
    for width, is_filtered in widths.items():
        size = tf.constant([30 * width // 60, width])
        found = transforms.resize_image(tf.constant(stripes), size, transforms.UNFILTERED_SHRINKAGE)
        expected = tf.image.resize(stripes, size, antialias=is_filtered)
        np.testing.assert_array_equal(found, np.floor(expected + 0.5).astype(np.uint8))
    # At two each pixel still counts once: the mean of the stripes stays.
    halved = transforms.resize_image(tf.constant(stripes), tf.constant([15, 30]), 2.0)
    assert np.mean(halved) == pytest.approx(80, abs=1)


def test_enlarged_pictures_are_rounded_not_cut():
    pixels = tf.constant([[0, 255]], tf.uint8)[..., tf.newaxis] * tf.ones([1, 1, 3], tf.uint8)
    row = transforms.resize_image(pixels, tf.constant([1, 4]))[0, :, 0]
    assert row.numpy().tolist() == [0, 64, 191, 255]  # 63.75 and 191.25.


# ---- Random scale and crop -----------------------------------------------------------------------

RANGE = (0.4, 3.0)


@pytest.fixture(scope="module")
def scaled():
    """Pictures, maps and content sizes of one scene under 60 seeds, made inside `tf.data`."""
    image, segment_map = _scene(40, 56)

    def transform(number):
        seed = tf.stack([7, number])
        return random_scale_and_crop(
            tf.constant(image), tf.constant(segment_map), CANVAS, RANGE, seed
        )

    dataset = tf.data.Dataset.range(60, output_type=tf.int32).map(transform)
    assert [spec.shape for spec in dataset.element_spec] == [(*CANVAS, 3), CANVAS, (2,)]
    assert [spec.dtype for spec in dataset.element_spec] == [tf.uint8, tf.int32, tf.int32]
    return list(dataset.as_numpy_iterator())


def test_picture_and_map_stay_aligned_under_scale_and_crop(scaled):
    for image, segment_map, content_size in scaled:
        _assert_aligned(image, segment_map, content_size)


def test_scales_fill_their_range(scaled):
    # The picture just fits at a height of 64 and a width of 89.6.
    heights = np.array([content[0] for *_, content in scaled])
    small = heights[heights < 64] / 64
    assert 0.39 <= small.min() < 0.55
    assert 10 <= len(small) <= 25  # (1 - 0.4) / (3 - 0.4) of 60 is 14.
    blocks = [len(np.unique(segment_map)) for _, segment_map, _ in scaled]
    assert min(blocks) <= 15  # Enlarged threefold, 21 x 32 pixels are seen: 4 x 5 blocks at most.
    assert max(blocks) >= 36  # All 35 and the padding.


def test_only_a_picture_that_is_too_small_leaves_the_canvas_empty(scaled):
    for _, segment_map, (height, width) in scaled:
        rows, columns = np.divmod(segment_map[segment_map > 0] - 1, 7)
        assert height == 64 or set(rows) == set(range(5))
        assert width == 96 or set(columns) == set(range(7))


def test_crops_come_from_everywhere(scaled):
    corners = [segment_map[0, 0] for _, segment_map, _ in scaled]
    last = [segment_map[63, 95] for _, segment_map, _ in scaled]
    assert len(set(corners)) > 8
    assert 1 in corners
    assert 35 in last


def test_every_crop_position_is_drawn():
    # A canvas of 4x4 shows 2x2 of 4x4 pixels: 3 positions in each direction.
    segment_map = tf.reshape(tf.range(1, 17), [4, 4])
    image = tf.zeros([4, 4, 3], tf.uint8)
    seen = set()
    for number in range(80):
        _, cropped, _ = random_scale_and_crop(
            image, segment_map, (4, 4), (2.0, 2.0), tf.constant([1, number])
        )
        seen.add(int(cropped[0, 0]))
        np.testing.assert_array_equal(cropped[::2, ::2], cropped[1::2, 1::2])
    assert seen == {1, 2, 3, 5, 6, 7, 9, 10, 11}


def test_scale_1_shows_the_whole_picture():
    image, segment_map = _scene(32, 48)
    enlarged, enlarged_map, size = random_scale_and_crop(
        image, segment_map, CANVAS, (1.0, 1.0), tf.constant([0, 0])
    )
    assert tuple(size.numpy()) == CANVAS
    np.testing.assert_array_equal(enlarged_map, np.kron(segment_map, np.ones([2, 2])))
    _assert_aligned(enlarged.numpy(), enlarged_map.numpy(), CANVAS)


def test_the_seed_decides():
    image, segment_map = _scene(40, 56)

    def scale(seed):
        results = random_scale_and_crop(image, segment_map, CANVAS, RANGE, tf.constant(seed))
        return np.concatenate([np.ravel(value) for value in results])

    np.testing.assert_array_equal(scale([3, 4]), scale([3, 4]))
    assert (scale([3, 4]) != scale([3, 5])).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3)])
@pytest.mark.parametrize("factor", [0.01, 1.0, 30.0])
def test_odd_sizes_and_scales(size, factor):
    image, segment_map = _scene(*size, block=1)
    results = random_scale_and_crop(
        image, segment_map, CANVAS, (factor, factor), tf.constant([1, 2])
    )
    scaled, scaled_map, content = (value.numpy() for value in results)
    assert (content >= 1).all()
    assert (content <= CANVAS).all()
    assert (scaled_map > 0).sum() == content.prod()
    assert scaled.shape == (*CANVAS, 3)


def test_a_limit_crops_but_does_not_change_the_scale():
    for number in range(40):
        settings = (tf.constant([40, 56]), CANVAS, RANGE, tf.constant([2, number]))
        free = transforms.random_window(*settings)
        limited = transforms.random_window(*settings, limit=tf.constant([30, 96]))
        scales = [(w.size / w.extent).numpy() for w in (free, limited)]
        np.testing.assert_allclose(*scales, rtol=0.1)
        assert limited.size[0] <= 30 and limited.size[1] == free.size[1]
        assert (limited.begin + limited.extent <= [40, 56]).numpy().all()


def test_a_picture_larger_than_everything_is_fitted_inside_tf_data_too():
    scene = _scene(120, 240)
    dataset = tf.data.Dataset.from_tensors(scene).map(
        lambda *pair: fit_image_and_map(*pair, CANVAS)
    )
    [found] = dataset.as_numpy_iterator()
    for value, expected in zip(found, fit_image_and_map(*scene, CANVAS)):
        np.testing.assert_array_equal(value, expected)


# ---- Flip ----------------------------------------------------------------------------------------


def test_flip_mirrors_left_and_right_in_half_of_the_cases():
    image, segment_map = _scene(2, 3, block=1)

    def flip(number):
        return transforms.random_flip(
            tf.constant(image), tf.constant(segment_map), tf.stack([5, number])
        )

    flips = 0
    dataset = tf.data.Dataset.range(100, output_type=tf.int32).map(flip)
    for flipped, flipped_map in dataset.as_numpy_iterator():
        assert flipped_map.tolist() in ([[1, 2, 3], [4, 5, 6]], [[3, 2, 1], [6, 5, 4]])
        np.testing.assert_array_equal(flipped, _colors(flipped_map))
        flips += flipped_map[0, 0] == 3
    assert 35 <= flips <= 65
