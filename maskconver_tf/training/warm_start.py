"""What a new run starts from: another run, an export or a backbone's checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.inference import signatures
from maskconver_tf.inference.exported_model import newest_version
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.backbones.garden_weights import find_checkpoint
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.variable_names import named_variables
from maskconver_tf.training.run_files.checkpoints import READ_ERRORS
from maskconver_tf.training.run_files.run_folder import RunFolder

CLASS_AXES = {
    "center_heatmap_head/output_conv/kernel": -1,
    "center_heatmap_head/output_conv/bias": -1,
    "mask_embedding_generator/class_embedding_table": 0,
    "class_embeddings/kernel": -1,
    "class_embeddings/bias": -1,
    "classes/kernel": -1,
    "classes/bias": -1,
}
"""Variables with a row for each class -> the axis of the classes."""

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_NOT_OF_THE_MODEL = ("optimizer/", "save_counter", "global_step")


def initial_network(
    make: Callable[..., tf_keras.Model],
    folder: RunFolder,
    categories: Categories,
    input_size: tuple[int, int],
    init_from: str | None,
) -> tf_keras.Model:
    """A built network with the weights the run begins with, random where nothing says otherwise.

    To be called before the optimizer is built, whose moving averages start from the weights they
    then find. A run that has a checkpoint goes on from it: nothing is fetched and `init_from` is
    left aside.

    Args:
      make: makes the network from `num_classes`.
      folder: of the run.
      categories: of the run.
      input_size: (height, width), multiples of 32.
      init_from: see `warm_start`; None for nothing.

    Raises:
      UserError: see `warm_start`.
    """
    goes_on = tf.train.latest_checkpoint(str(folder.checkpoints)) is not None
    with random_weights() if goes_on else contextlib.nullcontext():
        network = build_network(make(num_classes=len(categories)), input_size)
    if init_from and goes_on:
        print(
            f"{folder.path}: goes on from its own checkpoint; init_from = {init_from!r} is unused"
        )
    elif init_from:
        print(warm_start(network, categories, init_from))
    return network


@dataclasses.dataclass
class Report:
    """What became of each weight; `str()` of it is for people.

    Attributes:
      origin: where the weights came from.
      loaded: names of the model's weights that were found with the same shape.
      by_class: names of those filled class by class.
      shared, new: names of the classes both know, and of those only the model knows.
      random: names of those that keep their random start -> why.
      unused: names of what the checkpoint has beyond that.
    """

    origin: str
    loaded: list[str] = dataclasses.field(default_factory=list)
    by_class: list[str] = dataclasses.field(default_factory=list)
    shared: list[str] = dataclasses.field(default_factory=list)
    new: list[str] = dataclasses.field(default_factory=list)
    random: dict[str, str] = dataclasses.field(default_factory=dict)
    unused: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.by_class) + len(self.random)
        lines = [f"init_from {self.origin}", f"  loaded: {len(self.loaded)} of {total} weights"]
        if self.by_class:
            lines.append(
                f"  matched by class name: {len(self.by_class)} weights; classes known: "
                f"{len(self.shared)} ({_first(self.shared)}), new: {len(self.new)} "
                f"({_first(self.new)})"
            )
        for reason in sorted(set(self.random.values())):
            names = [name for name, why in self.random.items() if why == reason]
            lines.append(f"  re-initialised, {reason}: {len(names)} weights ({_parts(names)})")
        if self.unused:
            lines.append(f"  unused: {len(self.unused)} weights ({_parts(self.unused)})")
        return "\n".join(lines)


def warm_start(network: tf_keras.Model, categories: Categories, path: str) -> Report:
    """Fills a network by name and shape from what another training left.

    - Weights with a row per class take, where the class lists differ, the rows of the classes that
      both know by name.
    - A backbone is taken whole or not at all: its layers are numbered, so that the layers of two
      networks may agree in number and shape and yet mean different things.

    Args:
      network: built.
      categories: its classes.
      path: a run's folder (its best weights, else its newest checkpoint), an export or one version
        of it, or a checkpoint of a network or backbone, such as the Model Garden's. Runs and
        checkpoints may be `gs://`.

    Raises:
      UserError: there is none of these, or nothing in it fits.
    """
    source = _find(path)
    values = source.read()
    report = Report(source.checkpoint)
    variables = named_variables(network)
    whole_backbone = _holds_backbone(values, variables)
    for name, variable in variables.items():
        value = values.get(name)
        if name in CLASS_AXES and value is not None and source.names != categories.names:
            _fill_rows(name, variable, value, source, categories, report)
        elif value is None:
            report.random[name] = "not in the checkpoint"
        elif name.startswith("backbone/") and not whole_backbone:
            report.random[name] = "the checkpoint has another backbone"
        elif value.shape != tuple(variable.shape):
            report.random[name] = "of another shape in the checkpoint"
        else:
            variable.assign(value)
            report.loaded.append(name)
    used = {*report.loaded, *report.by_class}
    report.unused = sorted(set(values) - used)
    if not used:
        raise UserError(f"train.init_from = {path!r}: nothing in it fits this model.\n{report}")
    return report


# ---- Finding -------------------------------------------------------------------------------------
@dataclasses.dataclass(frozen=True)
class _Source:
    """A TensorFlow checkpoint and, where known, the class names that its rows belong to."""

    checkpoint: str
    names: tuple[str, ...] | None

    def read(self) -> dict[str, np.ndarray]:
        """Its weights, under the names that `named_variables` would give them."""
        try:
            reader = tf.train.load_checkpoint(self.checkpoint)
            keys = [key for key in reader.get_variable_to_shape_map() if key.endswith(_VALUE)]
            keys = [key for key in keys if not key.startswith(_NOT_OF_THE_MODEL)]
            return {_name(key): reader.get_tensor(key) for key in keys}
        except READ_ERRORS as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"{self.checkpoint}: cannot be read as a checkpoint ({reason}); bring it "
                "back from a copy, or give another train.init_from"
            ) from error


def _find(path: str) -> _Source:
    path = path.rstrip("/")
    version = newest_version(Path(path))
    if version is not None:
        categories = version / "assets" / signatures.CATEGORIES_ASSET
        return _Source(str(version / "variables" / "variables"), _class_names(str(categories)))
    run = RunFolder(local_or_remote_path(path))
    names = _class_names(str(run.categories_file))
    if names and run.best_score.exists():
        return _Source(run.weights(), names)
    checkpoint = find_checkpoint(str(run.checkpoints) if names else path)
    if checkpoint:
        beside = os.path.dirname(os.path.dirname(checkpoint))  # RUN/checkpoints/ckpt-9
        return _Source(checkpoint, _class_names(os.path.join(beside, run.categories_file.name)))
    if names:
        raise UserError(
            f"train.init_from = {path!r}: this run has no checkpoint yet; train it first"
        )
    raise UserError(
        f"train.init_from = {path!r}: neither a run, nor an export, nor a checkpoint is there; "
        "expected a --model_dir, what `maskconver export` wrote, or a checkpoint's name without "
        ".index. Keras' .h5 and PyTorch's .pth go into the `weights` of the backbone"
    )


def _class_names(file: str) -> tuple[str, ...] | None:
    if not tf.io.gfile.exists(file):
        return None
    with tf.io.gfile.GFile(file) as opened:
        return Categories.from_coco(json.loads(opened.read()), file).names


def _name(key: str) -> str:
    """`model/` (a run), `weights/` (an export) and the Model Garden's root are taken away."""
    root, _, name = key.removesuffix(_VALUE).partition("/")
    if root == "weights":
        return name.replace(".S", "/").replace("..", ".")
    if root == "backbone":
        return f"backbone/network/{name}"
    return name if root == "model" else f"{root}/{name}"


# ---- Filling -------------------------------------------------------------------------------------
def _holds_backbone(values: Mapping[str, np.ndarray], variables: Mapping[str, tf.Variable]) -> bool:
    names = [name for name in variables if name.startswith("backbone/")]
    return all(
        name in values and values[name].shape == tuple(variables[name].shape) for name in names
    )


def _fill_rows(
    name: str,
    variable: tf.Variable,
    value: np.ndarray,
    source: _Source,
    categories: Categories,
    report: Report,
) -> None:
    """Copies the rows of the classes that both lists name; the others keep their random start."""
    if source.names is None:
        report.random[name] = "the classes of the checkpoint are not known"
        return
    found = np.moveaxis(value, CLASS_AXES[name], 0)
    rows = np.moveaxis(variable.numpy(), CLASS_AXES[name], 0).copy()
    shared = [label for label in categories.names if label in source.names]
    if not shared or found.shape[1:] != rows.shape[1:] or len(found) != len(source.names):
        report.random[name] = "no class in common" if not shared else "of another width"
        return
    for label in shared:
        rows[categories.names.index(label)] = found[source.names.index(label)]
    variable.assign(np.moveaxis(rows, 0, CLASS_AXES[name]))
    report.by_class.append(name)
    report.shared = shared
    report.new = [label for label in categories.names if label not in shared]


# ---- Telling -------------------------------------------------------------------------------------
def _first(names: Iterable[str], count: int = 5) -> str:
    names = list(names)
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "") or "none"


def _parts(names: Iterable[str]) -> str:
    """The parts of the model that the names are in."""
    return _first(dict.fromkeys("/".join(name.split("/")[:2]) for name in names))
