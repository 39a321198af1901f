"""Notes if loaded weights were trained with other settings that no weight shows.

Such settings are the activations, and the epsilon of a ResNet's batch norms. Weights fit by name
and shape whatever these settings are, but compute another function.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
from collections.abc import Collection, Iterator
from typing import Any

import tensorflow as tf
import tf_keras
from official.vision.modeling.backbones.resnet import ResNet

from maskconver_tf.files.paths import local_or_remote_path, pattern_free_path
from maskconver_tf.layers.norm import batch_norms
from maskconver_tf.models.backbones.resnet import GARDEN_EPSILON, note_of_epsilon
from maskconver_tf.training.run_files.run_folder import RunFolder

_ACTIVATIONS = (
    ("backbone", "activation", {"resnet": "relu"}),
    ("pixel_decoder", "se_activation", {"ConvNeXtUNet": "relu"}),
    ("pixel_decoder", "level_activation", {"ConvNeXtUNet": None}),
    ("pyramid", "activation", {"LightFPN": None}),
    ("mask_feature_head", "activation", {"MaskConver": "relu", "SemanticModel": "relu"}),
)
"""Part of a network, setting, and: class with this setting -> value if a run leaves it out."""


def setting_notes(
    network: tf_keras.Model, checkpoint: str, parts: Collection[str]
) -> Iterator[str]:
    """Yields a note for each setting of `network` that the weights in it were not trained with.

    The settings of a checkpoint are those of its run, `RUN/checkpoints/ckpt-9` or
    `RUN/best/weights-9`, or those of the Model Garden. An export does not tell them.

    Args:
      network: has the weights.
      checkpoint: they came from there.
      parts: names of the parts of the network, such as "backbone", that got weights.
    """
    run = RunFolder(local_or_remote_path(os.path.dirname(os.path.dirname(checkpoint)) or "."))
    text = run.config.read_bytes().decode("utf-8", "replace") if run.config.is_file() else ""
    is_from_garden = not text and _is_from_garden(checkpoint)
    if "backbone" in parts and isinstance(network.backbone.network, ResNet):
        trained = GARDEN_EPSILON if is_from_garden else recorded_epsilon(text)
        found = batch_norms(network.backbone)[0].epsilon
        if trained and (note := note_of_epsilon(trained, found)):
            yield note
    for part, setting, defaults in _ACTIVATIONS:
        layer = _part(network, part) if part in parts else None
        if layer is None or setting not in (config := layer.get_config()):
            continue
        recorded = dict(_recorded(text, setting, defaults))
        if is_from_garden and part == "backbone":
            recorded = {"resnet": "relu"}
        for owner, trained in recorded.items():
            if trained != config[setting]:
                here = type(network).__name__ if type(network).__name__ in defaults else owner
                yield _note(f"{owner}.{setting}", trained, f"{here}.{setting}", config[setting])


def _part(network: tf_keras.Model, name: str) -> tf_keras.layers.Layer | None:
    """Returns the part whose activation a setting chooses; of backbones a ResNet has one."""
    if name != "backbone":
        return getattr(network, name)
    return network.backbone.network if isinstance(network.backbone.network, ResNet) else None


def _note(trained_setting: str, trained: Any, setting: str, found: Any) -> str:
    return (
        f"these weights were trained with {trained_setting} = {trained!r}, and this model has "
        f"{setting} = {found!r}, so it computes another function; set {setting} = {trained!r} to "
        "compute the same"
    )


# ---- The configuration of a run ------------------------------------------------------------------
def recorded_epsilon(text: str) -> float | None:
    """Reads the epsilon of the ResNet from the configuration that a run wrote.

    Runs from before `resnet.norm_epsilon` had 1e-5 if `resnet.weights` was set, else 1e-3.

    Returns:
      None if the backbone is no ResNet, or the value is no number.
    """
    if not _builds(text, "resnet"):
        return None
    epsilon = _value(text, "resnet.norm_epsilon")
    if epsilon is None:
        is_random = _value(text, "resnet.weights") in (None, "None", "''")
        return 1e-3 if is_random else GARDEN_EPSILON
    with contextlib.suppress(ValueError):
        return float(epsilon)
    return None


def _recorded(text: str, setting: str, defaults: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields each class that the run built, with the value of the setting."""
    for owner, default in defaults.items():
        if _builds(text, owner):
            value = _value(text, f"{owner}.{setting}")
            with contextlib.suppress(ValueError, SyntaxError):
                yield owner, default if value is None else ast.literal_eval(value)


def _builds(text: str, owner: str) -> bool:
    return re.search(rf"@(\S+[./])?{owner}\b", text) is not None


def _value(text: str, setting: str) -> str | None:
    """Returns the text bound to a setting. A value in the next lines is in brackets."""
    match = re.search(rf"^(?:\w+\.)*{setting} *=\s*(.+)$", text, flags=re.MULTILINE)
    if match and (macro := re.fullmatch(r"%(\w+)", match[1].strip())):
        match = re.search(rf"^{macro[1]} *=\s*(.+)$", text, flags=re.MULTILINE)
    return match and match[1].strip()


def _is_from_garden(checkpoint: str) -> bool:
    keys = tf.train.load_checkpoint(pattern_free_path(checkpoint)).get_variable_to_shape_map()
    return any(key.startswith("backbone/") for key in keys)
