"""Segments a batch of pictures in one graph; the network runs once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from maskconver_tf.export.served_model import answers, thresholds
from maskconver_tf.files.graph_decoding import picture_status
from maskconver_tf.files.graph_decoding.any_picture import DecodedPicture
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.transforms import fit_image

_AT_ONCE = 4
"""Pictures that are decoded or fused at the same time: each needs memory for all its pixels."""
_NO_PIXELS = "expected a picture with a height and a width of at least 1 pixel, found"


def segment_encoded(
    segmenter: PanopticSegmenter,
    decode: Callable[[tf.Tensor], DecodedPicture],
    encoded: tf.Tensor,
    given: Mapping[str, tf.Tensor],
) -> dict[str, tf.Tensor]:
    """Decodes and segments files.

    Args:
      segmenter: the segmenter of a run.
      decode: decodes one file and never raises.
      encoded: string `[B]`.
      given: thresholds of the request, see `thresholds.for_each_picture`.

    Returns:
      The fields of `serving_default`. A file that cannot be decoded has a status and empty rows.
    """

    def fit_one(content: tf.Tensor) -> tuple[tf.Tensor, ...]:
        picture = decode(content)
        is_ok = tf.cast(picture.status == picture_status.OK, tf.int32)
        canvas, content_size = fit_image(picture.image, segmenter.input_size)
        size = tf.shape(picture.image)[:2] * is_ok
        return canvas, content_size, size, picture.status, picture.message

    def answer(encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        size = tf.TensorSpec([2], tf.int32)
        canvases, content_sizes, image_sizes, statuses, messages = tf.map_fn(
            fit_one,
            encoded,
            parallel_iterations=_AT_ONCE,
            fn_output_signature=(
                tf.TensorSpec([*segmenter.input_size, 3], tf.uint8),
                size,
                size,
                tf.TensorSpec([], tf.int32),
                tf.TensorSpec([], tf.string),
            ),
        )
        limits = thresholds.for_each_picture(segmenter.fusion, given, tf.shape(encoded)[0])
        found = _fuse_all(segmenter, canvases, content_sizes, image_sizes, limits, as_png=True)
        return found | {
            signatures.STATUS: statuses,
            signatures.STATUS_MESSAGE: messages,
            signatures.IMAGE_SIZE: image_sizes,
        }

    return _with_empty_batches(answer, encoded)


def segment_images(segmenter: PanopticSegmenter, images: tf.Tensor) -> dict[str, tf.Tensor]:
    """Segments pictures of one size, uint8 `[B, h, w, 3]`; the fields of `segment_tensor`."""

    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        canvases, content_sizes = _fit_all(segmenter, images)
        sizes = tf.repeat(tf.shape(images)[tf.newaxis, 1:3], tf.shape(images)[0], axis=0)
        return _fuse_all(segmenter, canvases, content_sizes, sizes, {}, as_png=False)

    return _with_empty_batches(answer, images)


def segment_image(segmenter: PanopticSegmenter, image: tf.Tensor) -> dict[str, tf.Tensor]:
    """Segments one picture uint8 `[h, w, 3]`; returns the fields of `segment_image`."""
    image = _with_pixels(image)
    found = answers.named_fields(segmenter.segment_one(image), segmenter.categories)
    return found | {signatures.IMAGE_SIZE: tf.shape(image)[:2]}


def raw_heads(segmenter: PanopticSegmenter, images: tf.Tensor) -> dict[str, tf.Tensor]:
    """Runs only the network on pictures of one size, uint8 `[B, h, w, 3]`.

    Returns:
      The outputs of the model that its fusion takes, and `CONTENT_SIZE` int32 `[B, 2]`.
    """

    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        canvases, content_sizes = _fit_all(segmenter, images)
        outputs = segmenter.propose_in_graph(canvases)
        return outputs | {signatures.CONTENT_SIZE: content_sizes}

    return _with_empty_batches(answer, images)


def _fit_all(segmenter: PanopticSegmenter, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.map_fn(
        lambda image: fit_image(image, segmenter.input_size),
        _with_pixels(images),
        parallel_iterations=_AT_ONCE,
        fn_output_signature=(
            tf.TensorSpec([*segmenter.input_size, 3], tf.uint8),
            tf.TensorSpec([2], tf.int32),
        ),
    )


def _with_pixels(images: tf.Tensor) -> tf.Tensor:
    """Returns `[..., h, w, 3]` as it is; the graph stops with a message if a side is 0."""
    size = tf.shape(images)[-3:-1]
    check = tf.debugging.Assert(tf.reduce_all(size > 0), [_NO_PIXELS, size])
    with tf.control_dependencies([check]):
        return tf.identity(images)


def _fuse_all(
    segmenter: PanopticSegmenter,
    canvases: tf.Tensor,
    content_sizes: tf.Tensor,
    image_sizes: tf.Tensor,
    limits: Mapping[str, tf.Tensor],
    as_png: bool,
) -> dict[str, tf.Tensor]:
    """Runs the network and fuses each picture; a picture of size 0 gets empty rows and no map."""
    proposals = segmenter.propose_in_graph(canvases)
    num_rows = segmenter.fusion.max_segments(proposals)

    def fuse(single: dict, content_size: tf.Tensor, image_size: tf.Tensor, limits: dict) -> dict:
        found = segmenter.fuse_one(single, content_size, image_size, limits)
        fields = answers.named_fields(found, segmenter.categories)
        panoptic_map = fields[signatures.PANOPTIC_MAP]
        rows = answers.padded_rows(fields, num_rows)
        if as_png:
            return rows | {signatures.PANOPTIC_PNG: answers.map_as_png(panoptic_map, num_rows)}
        return rows | {signatures.PANOPTIC_MAP: panoptic_map}

    def nothing() -> dict[str, tf.Tensor]:
        name, none = signatures.PANOPTIC_PNG, tf.constant(b"")
        if not as_png:
            name, none = signatures.PANOPTIC_MAP, tf.zeros([0, 0], tf.int32)
        return answers.empty_rows(num_rows) | {name: none}

    map_spec = {signatures.PANOPTIC_MAP: tf.TensorSpec([None, None], tf.int32)}
    png_spec = {signatures.PANOPTIC_PNG: tf.TensorSpec([], tf.string)}
    return tf.map_fn(
        lambda item: tf.cond(tf.reduce_all(item[2] > 0), lambda: fuse(*item), nothing),
        (proposals, content_sizes, image_sizes, dict(limits)),
        parallel_iterations=_AT_ONCE,
        fn_output_signature=answers.row_specs(num_rows) | (png_spec if as_png else map_spec),
    )


def _with_empty_batches(
    answer: Callable[[tf.Tensor], dict[str, tf.Tensor]], batch: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Answers an empty batch with empty fields.

    Convolutions refuse an empty batch. So it gets one element, whose answer is cut off again. A
    picture that is added has at least one pixel.
    """
    count = tf.shape(batch)[0]
    one = tf.cast(count == 0, tf.int32)
    if batch.dtype == tf.string:
        filled = tf.concat([batch, tf.fill([one], "")], 0)
    else:
        sides = tf.unstack(tf.shape(batch)[1:3])
        filled = tf.pad(batch, [[0, one], *([0, tf.maximum(one - n, 0)] for n in sides), [0, 0]])
    return {name: value[:count] for name, value in answer(filled).items()}
