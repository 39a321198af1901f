"""Gaussians of the center heatmap (CenterNet, arXiv 1904.07850, section 3)."""

from __future__ import annotations

import tensorflow as tf


def gaussian_radius(sizes: tf.Tensor, min_iou: float) -> tf.Tensor:
    """Returns the largest shift of a box's corners that keeps the IoU at `min_iou` or more.

    The IoU is that of the changed box and the original box. If the corners move by r in the worst
    direction, the box is shifted, shrunk or grown. Each of these cases gives a quadratic equation.
    The result is the smallest of the three roots.

    Args:
      sizes: float `[..., 2]`, height and width of the boxes in cells, positive.
      min_iou: IoU in (0, 1].

    Returns:
      float32 `[...]`, in cells.
    """
    sizes = tf.cast(sizes, tf.float32)
    total = tf.reduce_sum(sizes, axis=-1)
    area = tf.reduce_prod(sizes, axis=-1)
    # shifted: (h - r)(w - r) / (2hw - (h - r)(w - r)) = iou
    shifted = _smaller_root(1.0, total, area * (1.0 - min_iou) / (1.0 + min_iou))
    # shrunk: (h - 2r)(w - 2r) / hw = iou
    shrunk = _smaller_root(4.0, 2.0 * total, area * (1.0 - min_iou))
    # grown: hw / (h + 2r)(w + 2r) = iou
    grown = _smaller_root(4.0, -2.0 * total, area * (1.0 - 1.0 / min_iou))
    return tf.minimum(tf.minimum(shifted, shrunk), grown)


def _smaller_root(a: float, minus_b: tf.Tensor, c: tf.Tensor) -> tf.Tensor:
    """The root of a r^2 - minus_b r + c with the smaller magnitude."""
    root = tf.sqrt(tf.maximum(tf.square(minus_b) - 4.0 * a * c, 0.0))
    return tf.math.divide_no_nan(2.0 * c, minus_b + tf.sign(minus_b) * root)


def draw_heatmap(
    center_indices: tf.Tensor,
    radii: tf.Tensor,
    class_ids: tf.Tensor,
    height: int,
    width: int,
    num_classes: int,
) -> tf.Tensor:
    """Draws one truncated Gaussian per center into the channel of its class.

    Where Gaussians overlap, the maximum counts. A Gaussian has sigma (2r + 1) / 6; it is 1 at its
    center's cell and 0 more than r rows or columns away. It is the product of a column and a row.
    Therefore the largest intermediate tensor is `[B, K, H, W]`, without a class axis.

    Args:
      center_indices: int `[B, K, 2]`, (y, x) cells.
      radii: int `[B, K]`, in cells.
      class_ids: int `[B, K]`; negative draws nothing.
      height: of the heatmap, in cells.
      width: of the heatmap, in cells.
      num_classes: C.

    Returns:
      float32 `[B, height, width, C]` in 0..1.
    """
    batch = tf.shape(class_ids)[0]
    column = _profile(center_indices[..., 0], radii, height)  # [B, K, H]
    row = _profile(center_indices[..., 1], radii, width)  # [B, K, W]
    patches = column[:, :, :, tf.newaxis] * row[:, :, tf.newaxis, :]  # [B, K, H, W]
    offsets = tf.range(batch)[:, tf.newaxis] * num_classes
    channels = tf.where(class_ids >= 0, offsets + tf.cast(class_ids, tf.int32), -1)
    heatmap = tf.math.unsorted_segment_max(
        tf.reshape(patches, [-1, height * width]),
        tf.reshape(channels, [-1]),
        batch * num_classes,
    )
    # A class without centers has the lowest float here.
    heatmap = tf.reshape(tf.maximum(heatmap, 0.0), [-1, num_classes, height, width])
    return tf.transpose(heatmap, [0, 2, 3, 1])


def draw_centers(
    center_indices: tf.Tensor,
    class_ids: tf.Tensor,
    values: tf.Tensor,
    height: int,
    width: int,
    num_classes: int,
) -> tf.Tensor:
    """Writes one value per center into its cell and the channel of its class.

    Args:
      center_indices: int `[B, K, 2]`, (y, x) cells.
      class_ids: int `[B, K]`; negative writes nothing. No two centers of a class share a cell.
      values: float32 `[B, K]`.
      height: of the map, in cells.
      width: of the map, in cells.
      num_classes: C.

    Returns:
      float32 `[B, height, width, C]`, 0 where no center is.
    """
    batch = tf.shape(class_ids)[0]
    size = height * width * num_classes
    cells = (center_indices[..., 0] * width + center_indices[..., 1]) * num_classes + class_ids
    places = tf.where(class_ids >= 0, cells + tf.range(batch)[:, tf.newaxis] * size, -1)
    drawn = tf.math.unsorted_segment_sum(
        tf.reshape(values, [-1]), tf.reshape(places, [-1]), batch * size
    )
    return tf.reshape(drawn, [batch, height, width, num_classes])


def _profile(positions: tf.Tensor, radii: tf.Tensor, size: int) -> tf.Tensor:
    """One dimension of the truncated Gaussians; float32 `[B, K, size]`."""
    radii = tf.cast(radii, tf.float32)[..., tf.newaxis]
    distances = tf.cast(tf.range(size) - positions[..., tf.newaxis], tf.float32)
    sigma = (2.0 * radii + 1.0) / 6.0
    values = tf.exp(-0.5 * tf.square(distances / sigma))
    return tf.where(tf.abs(distances) <= radii, values, 0.0)


def draw_round_gaussians(
    centers: tf.Tensor, present: tf.Tensor, sigma: float, height: int, width: int, stride: int
) -> tf.Tensor:
    """Draws a Gaussian of one size around each center into one channel.

    Where Gaussians overlap, the maximum counts. Each is evaluated at the middles of cells, so a
    center between middles gives a maximum a little below 1.

    Args:
      centers: float32 `[B, K, 2]`, (y, x) in pixels.
      present: bool `[B, K]`; False draws nothing.
      sigma: in pixels.
      height: of the result, in cells.
      width: of the result, in cells.
      stride: pixels per cell.

    Returns:
      float32 `[B, height, width]` in 0..1.
    """

    def profile(positions: tf.Tensor, size: int) -> tf.Tensor:
        middles = (tf.range(size, dtype=tf.float32) + 0.5) * stride
        distances = (middles - positions[..., tf.newaxis]) / sigma
        return tf.exp(-0.5 * tf.square(distances))  # [B, K, size]

    column = profile(centers[..., 0], height) * tf.cast(present, tf.float32)[..., tf.newaxis]
    row = profile(centers[..., 1], width)
    return tf.reduce_max(column[:, :, :, tf.newaxis] * row[:, :, tf.newaxis, :], axis=1)
