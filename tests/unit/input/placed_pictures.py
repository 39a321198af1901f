"""Puts a picture and its map on the canvas, with the functions that inputs use one by one."""

import tensorflow as tf

from maskconver_tf.input import transforms


def fit_image_and_map(image, segment_map, canvas_size):
    """Does `fit_image` for a picture and its map, int32 `[h, w]`.

    Returns:
      Picture, map and content size.
    """
    image, size = transforms.fit_image(image, canvas_size)
    segment_map = transforms.resize_map(segment_map, size)
    return image, transforms.pad_to_canvas(segment_map, canvas_size), size


def random_scale_and_crop(image, segment_map, canvas_size, scale_range, seed):
    """Places a `random_window` of a picture and its map on the canvas.

    Returns:
      uint8 `[*canvas_size, 3]`, int32 `canvas_size` and the content size int32 `[2]`.
    """
    window = transforms.random_window(tf.shape(segment_map), canvas_size, scale_range, seed)
    image = transforms.resize_image(_cropped(image, window), window.size)
    segment_map = transforms.resize_map(_cropped(segment_map, window), window.size)
    placed = (transforms.pad_to_canvas(each, canvas_size) for each in (image, segment_map))
    return *placed, window.size


def _cropped(array, window):
    """Cuts the rectangle of the window out of `[h, w, ...]`, without scaling it."""
    (top, left), (height, width) = tf.unstack(window.begin), tf.unstack(window.extent)
    return array[top : top + height, left : left + width]
