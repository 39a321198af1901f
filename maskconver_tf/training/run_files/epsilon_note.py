"""Notes if a ResNet gets weights that were trained with another epsilon in the batch norms."""

from __future__ import annotations

import contextlib
import os
import re

import tensorflow as tf
import tf_keras
from official.vision.modeling.backbones.resnet import ResNet

from maskconver_tf.files.paths import local_or_remote_path, pattern_free_path
from maskconver_tf.layers.norm import batch_norms
from maskconver_tf.models.backbones.resnet import GARDEN_EPSILON, note_of_epsilon
from maskconver_tf.training.run_files.run_folder import RunFolder


def epsilon_note(network: tf_keras.Model, checkpoint: str) -> str:
    """Returns a note for a network whose whole backbone came from `checkpoint`; or nothing.

    The epsilon of a checkpoint is that of its run, `RUN/checkpoints/ckpt-9` or
    `RUN/best/weights-9`, or that of the Model Garden. An export does not tell it.
    """
    if not isinstance(network.backbone.network, ResNet):
        return ""
    run = RunFolder(local_or_remote_path(os.path.dirname(os.path.dirname(checkpoint)) or "."))
    trained = recorded_epsilon(run)
    if trained is None and _is_from_garden(checkpoint):
        trained = GARDEN_EPSILON
    return note_of_epsilon(trained, batch_norms(network.backbone)[0].epsilon) if trained else ""


def recorded_epsilon(run: RunFolder) -> float | None:
    """Reads the epsilon of the ResNet from the configuration that a run wrote.

    Runs from before `resnet.norm_epsilon` had 1e-5 if `resnet.weights` was set, else 1e-3.

    Returns:
      None if there is no configuration, its backbone is no ResNet, or the value is no number.
    """
    if not run.config.is_file():
        return None
    text = run.config.read_bytes().decode("utf-8", "replace")
    if not re.search(r"@(\S+\.)?resnet\(\)", text):
        return None
    epsilon = _value("norm_epsilon", text)
    if epsilon is None:
        return 1e-3 if _value("weights", text) in (None, "None", "''") else GARDEN_EPSILON
    with contextlib.suppress(ValueError):
        return float(epsilon)
    return None


def _value(name: str, text: str) -> str | None:
    """Returns the text bound to `resnet.NAME`. A value in the next lines is in brackets."""
    match = re.search(rf"^(?:\w+\.)*resnet\.{name} *=\s*(.+)$", text, flags=re.MULTILINE)
    if match and (macro := re.fullmatch(r"%(\w+)", match[1].strip())):
        match = re.search(rf"^{macro[1]} *=\s*(.+)$", text, flags=re.MULTILINE)
    return match and match[1].strip()


def _is_from_garden(checkpoint: str) -> bool:
    keys = tf.train.load_checkpoint(pattern_free_path(checkpoint)).get_variable_to_shape_map()
    return any(key.startswith("backbone/") for key in keys)
