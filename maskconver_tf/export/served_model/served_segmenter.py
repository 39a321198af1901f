"""The module that an export saves: the signatures of a segmenter, its weights and assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import tensorflow as tf

from maskconver_tf.export.served_model import batches, thresholds
from maskconver_tf.export.served_model.mapped_files import decode_mapped_picture
from maskconver_tf.files.graph_decoding.any_picture import DecodedPicture, decode_any_picture
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.models.variable_names import named_variables


class ServedSegmenter(tf.Module):
    """Signatures, weights and assets, without Keras objects.

    Args:
      segmenter: the segmenter of a run.
      assets: files to save with the model.
      max_pixels: most pixels of an encoded picture.
      model_only: save only the network, as the signature `raw_heads`.
    """

    def __init__(
        self,
        segmenter: PanopticSegmenter,
        assets: Iterable[Path],
        max_pixels: int,
        model_only: bool = False,
    ):
        super().__init__()
        # Saved by name, so that another run can start from these weights.
        self.weights = named_variables(segmenter.model)
        self.assets = [tf.saved_model.Asset(str(path)) for path in assets]
        heads = _function(lambda images: batches.raw_heads(segmenter, images), _images_spec())
        others = (
            {signatures.SERVING_DEFAULT: heads}
            if model_only
            else _with_fusion(segmenter, max_pixels)
        )
        self.served = {signatures.RAW_HEADS: heads, **others}


def _with_fusion(segmenter: PanopticSegmenter, max_pixels: int) -> dict[str, Callable]:
    """The signatures that find segments."""
    # A function of its own, so that two signatures share its long graph.
    is_mapped = segmenter.categories.pictures is not None
    decode_file = decode_mapped_picture if is_mapped else decode_any_picture
    decode = _function(
        lambda content: decode_file(content, max_pixels), tf.TensorSpec([], tf.string)
    )
    encoded = tf.TensorSpec([None], tf.string, name=signatures.ENCODED_IMAGES)
    image = tf.TensorSpec([None, None, 3], tf.uint8, name=signatures.IMAGE)
    with_thresholds = _with_thresholds(segmenter, decode, encoded)
    own = thresholds.own_thresholds(segmenter.fusion)
    return {
        # The two share one graph, which halves the time to trace and to load it.
        signatures.SERVING_DEFAULT: _function(
            lambda encoded_images: with_thresholds(encoded_images, *own), encoded
        ),
        signatures.SERVING_WITH_THRESHOLDS: with_thresholds,
        signatures.SEGMENT_IMAGE: _function(
            lambda image: batches.segment_image(segmenter, image), image
        ),
        signatures.SEGMENT_TENSOR: _function(
            lambda images: batches.segment_images(segmenter, images), _images_spec()
        ),
    }


def _with_thresholds(
    segmenter: PanopticSegmenter,
    decode: Callable[[tf.Tensor], DecodedPicture],
    encoded: tf.TensorSpec,
) -> Callable:
    """Like `serving_default`, with the thresholds that the fusion has as further inputs.

    Default values of arguments become defaults of the signature, which TensorFlow Serving uses for
    inputs that a request lacks.
    """
    specs = thresholds.threshold_specs(segmenter.fusion)
    own = thresholds.own_thresholds(segmenter.fusion)

    def answer(encoded_images: tf.Tensor, **given: tf.Tensor) -> dict[str, tf.Tensor]:
        return batches.segment_encoded(segmenter, decode, encoded_images, given)

    if len(own) == 1:  # As `PanopticGrouping` has.

        def segment(encoded_images, score_threshold=own[0]):
            return answer(encoded_images, score_threshold=score_threshold)

    else:

        def segment(
            encoded_images, score_threshold=own[0], overlap_threshold=own[1], min_area=own[2]
        ):
            return answer(
                encoded_images,
                score_threshold=score_threshold,
                overlap_threshold=overlap_threshold,
                min_area=min_area,
            )

    return _function(segment, encoded, *specs)


def _images_spec() -> tf.TensorSpec:
    return tf.TensorSpec([None, None, None, 3], tf.uint8, name=signatures.IMAGES)


def _function(function: Callable, *specs: tf.TensorSpec) -> Callable:
    return tf.function(function, input_signature=specs, autograph=False)
