"""Scores a trained network at many score thresholds, and a perfect model on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.records.codec import truth_segments
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.planning.dataset_check.ceiling import Ceiling
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.tuning.picture_proposals import picture_proposals

THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def sweep_thresholds(
    network: tf_keras.Model, task: PanopticTask, thresholds: Sequence[float] = THRESHOLDS
) -> dict[float, float]:
    """Returns score threshold -> PQ of all classes, in percent, on `task.eval_input`.

    Each picture is predicted once and fused at every threshold. Other thresholds of the fusion stay
    as they are.

    Args:
      network: with its weights.
      task: has the evaluation input and the fusion.
      thresholds: score thresholds, 0..1.
    """
    categories = task.categories
    segmenter = PanopticSegmenter(network, task.fusion, categories, task.eval_input.input_size)
    fuse = _fuse_at_threshold(segmenter)
    qualities = {t: PanopticQuality(len(categories), categories.is_thing) for t in thresholds}
    for example, proposals in picture_proposals(segmenter, task.eval_input):
        sizes = [tf.constant(example[key]) for key in (types.CONTENT_SIZE, types.IMAGE_SIZE)]
        for threshold, quality in qualities.items():
            fused = fuse(proposals, *sizes, tf.constant(threshold))
            segments = types.segments_from_arrays(fused)
            prediction = fused[types.PANOPTIC_MAP].numpy(), segments
            quality.update(example[types.SEGMENT_MAP], truth_segments(example), *prediction)
    return {threshold: _percent(quality) for threshold, quality in qualities.items()}


def _fuse_at_threshold(segmenter: PanopticSegmenter) -> Any:
    """Makes a function for all thresholds, which is traced once."""
    is_thing = tf.constant(segmenter.categories.is_thing)
    stride = 2**segmenter.model.mask_level

    @tf.autograph.experimental.do_not_convert
    def fuse(outputs, content_size, image_size, threshold):
        given = {"score_threshold": threshold}
        return segmenter.fusion(outputs, content_size, image_size, is_thing, stride, given)

    return tf.function(fuse, reduce_retracing=True)


def pq_ceiling(task: PanopticTask, label_stride: int, num_slots: int, mask_stride: int) -> float:
    """Returns the PQ of a perfect model on `task.eval_input`, in percent.

    It is 100 for a fusion that the ceiling does not know, such as that of Panoptic-DeepLab.
    """
    if not isinstance(task.fusion, PanopticFusion):
        return 100.0
    data = task.eval_input
    strides = {"label_stride": label_stride, "mask_stride": mask_stride}
    ceiling = Ceiling(task.categories, tuple(data.input_size), task.fusion, num_slots, **strides)
    for example in data.examples().as_numpy_iterator():
        ceiling.add(
            example[types.SEGMENT_MAP],
            example[types.SEGMENT_CLASS_IDS],
            example[types.SEGMENT_IS_CROWD],
        )
    return 100 * _pq(ceiling.result())


def _percent(quality: PanopticQuality) -> float:
    return 100 * _pq(quality.result())


def _pq(result: Any) -> float:
    pq = float(result.all.pq)
    return 0.0 if np.isnan(pq) else pq
