"""Builds the model of a run and restores its best weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import tf_keras

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.lost_quality.recalibration import Recalibration
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.inference.segmenter import Fusion, PanopticSegmenter
from maskconver_tf.input.input_checks import check_input_size
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.build_network import build_network
from maskconver_tf.training.machines.process_settings import set_precision
from maskconver_tf.training.run_files.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class RestoredNetwork:
    """A network with a run's best weights.

    Attributes:
      network: built, with the restored weights.
      categories: the run's class list.
      jit_compile: compile the network with XLA where it is used.
      model_dir: the run's folder.
      recalibration: replaces the scores of a panoptic run's segments; None keeps them.
    """

    network: tf_keras.Model
    categories: Categories
    jit_compile: bool
    model_dir: str = ""
    recalibration: Recalibration | None = None


def restore_network(
    model_dir: str,
    model: Callable[..., tf_keras.Model],
    input_size: tuple[int, int],
    jit_compile: bool = False,
) -> RestoredNetwork:
    """Builds the model of a run of any task, and restores the run's best weights.

    Args:
      model_dir: the run's folder.
      model: makes the model from `num_classes`.
      input_size: (height, width), multiples of 32.
      jit_compile: see `RestoredNetwork`.

    Raises:
      UserError: the folder has no run or no weights, or the weights belong to another model.
    """
    folder = RunFolder(local_or_remote_path(model_dir))
    categories = folder.categories()
    with random_weights():
        network = build_network(model(num_classes=len(categories)), input_size)
    folder.restore(network)
    return RestoredNetwork(network, categories, jit_compile, model_dir)


def restore_segmenter(
    model_dir: str,
    model: Callable[..., tf_keras.Model],
    fusion: Fusion,
    input_size: tuple[int, int],
    precision: str = "float32",
    jit_compile: bool = False,
) -> PanopticSegmenter:
    """Restores a panoptic run as a segmenter of pictures.

    Args:
      model_dir: the run's folder.
      model: makes the model from `num_classes`.
      fusion: makes panoptic maps from the model's outputs; holds the thresholds.
      input_size: (height, width), multiples of 32.
      precision: "float32" or "mixed_bfloat16".
      jit_compile: compile the network with XLA, also in an export.

    Raises:
      UserError: the folder has no run or no weights, or the weights belong to another model.
    """
    check_input_size("restore_segmenter", input_size)
    set_precision("restore_segmenter", precision)
    restored = restore_network(model_dir, model, input_size)
    return PanopticSegmenter(restored.network, fusion, restored.categories, input_size, jit_compile)
