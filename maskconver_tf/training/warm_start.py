"""Starts a new run from the weights of another run, an export or a backbone's checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import short_reason
from maskconver_tf.files.paths import local_or_remote_path, pattern_free_path
from maskconver_tf.inference import signatures
from maskconver_tf.inference.export_versions import newest_version
from maskconver_tf.inference.model_folder import describe_other, is_run
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.backbones.garden_weights import find_checkpoint
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.variable_names import named_variables
from maskconver_tf.training.run_files.checkpoint_reading import READ_ERRORS, newest_checkpoint
from maskconver_tf.training.run_files.run_folder import RunFolder, join_first_names
from maskconver_tf.training.run_files.unseen_settings import setting_notes

CLASS_AXES = {
    "center_heatmap_head/output_conv/kernel": -1,
    "center_heatmap_head/output_conv/bias": -1,
    "mask_embedding_generator/class_embedding_table": 0,
    "mask_embedding_generator/falloff_table": 0,
    "class_embeddings/kernel": -1,
    "class_embeddings/bias": -1,
    "classes/kernel": -1,
    "classes/bias": -1,
}
"""Name of each variable with one row per class -> its class axis."""

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_OUTSIDE_THE_MODEL = ("optimizer/", "statistics_averages/", "save_counter", "global_step")


def initial_network(
    make: Callable[..., tf_keras.Model],
    folder: RunFolder,
    categories: Categories,
    input_size: tuple[int, int],
    init_from: str | None,
) -> tf_keras.Model:
    """Builds a network with the weights that the run begins with.

    Call this before building the optimizer, because its moving averages start from the current
    weights. If the run already has a checkpoint, this function loads no weights and ignores
    `init_from`, because the run resumes from the checkpoint.

    Args:
      make: makes the network from `num_classes`.
      folder: folder of the run.
      categories: class list of the run.
      input_size: (height, width), multiples of 32.
      init_from: `path` of `warm_start`. None for the initial weights that `make` gives.

    Raises:
      UserError: see `warm_start`.
    """
    resumes = newest_checkpoint(folder.checkpoints) is not None
    with random_weights() if resumes else contextlib.nullcontext():
        network = build_network(make(num_classes=len(categories)), input_size)
    if init_from and resumes:
        print(
            f"{folder.path}: resumes from its own checkpoint and ignores init_from = {init_from!r}"
        )
    elif init_from:
        print(warm_start(network, categories, init_from))
    return network


@dataclasses.dataclass
class WarmStartReport:
    """Says what happened to each weight. `str()` formats it for people.

    Attributes:
      origin: checkpoint that the weights came from.
      loaded: names of the model's weights that the checkpoint has with the same shape.
      loaded_by_class: names of the weights that were loaded class by class.
      shared_classes: names of the classes that both model and checkpoint have.
      new_classes: names of the classes that only the model has.
      not_loaded: name of each weight that keeps its initial value -> the reason.
      unused: names of the checkpoint's weights that were not loaded.
      notes: settings of the model that the weights were not trained with, see `setting_notes`.
    """

    origin: str
    loaded: list[str] = dataclasses.field(default_factory=list)
    loaded_by_class: list[str] = dataclasses.field(default_factory=list)
    shared_classes: list[str] = dataclasses.field(default_factory=list)
    new_classes: list[str] = dataclasses.field(default_factory=list)
    not_loaded: dict[str, str] = dataclasses.field(default_factory=dict)
    unused: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.loaded_by_class) + len(self.not_loaded)
        lines = [f"init_from {self.origin}", f"  loaded: {len(self.loaded)} of {total} weights"]
        if self.loaded_by_class:
            shared, new = self.shared_classes, self.new_classes
            lines.append(
                f"  matched by class name: {len(self.loaded_by_class)} weights; classes known: "
                f"{len(shared)} ({_first_or_none(shared)}), new: {len(new)} ({_first_or_none(new)})"
            )
        for reason in sorted(set(self.not_loaded.values())):
            names = [name for name, why in self.not_loaded.items() if why == reason]
            lines.append(
                f"  re-initialised, {reason}: {len(names)} weights ({_model_parts(names)})"
            )
        if self.unused:
            lines.append(f"  unused: {len(self.unused)} weights ({_model_parts(self.unused)})")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def warm_start(network: tf_keras.Model, categories: Categories, path: str) -> WarmStartReport:
    """Loads the weights of an earlier training that fit a network by name and shape.

    - If the class lists differ, weights with one row per class take the rows of the classes that
      both lists name. The other rows keep their initial values.
    - A backbone is loaded completely or not at all. Its layers are numbered, and layers of another
      backbone may have the same number and shape but a different meaning.

    Args:
      network: built.
      categories: class list of the network.
      path: one of
        - the folder of a run: its best weights, or its newest checkpoint;
        - an export, or one version of it;
        - a checkpoint of a network or a backbone, for example one of the Model Garden.
        Runs and checkpoints may be in a bucket (`gs://`).

    Raises:
      UserError: the path holds none of these, or no weight in it fits.
    """
    source = _find_source(path)
    values = source.read()
    report = WarmStartReport(source.checkpoint)
    variables = named_variables(network)
    whole_backbone = _holds_backbone(values, variables)
    for name, variable in variables.items():
        value = values.get(name)
        if name in CLASS_AXES and value is not None and source.class_names != categories.names:
            _fill_rows(name, variable, value, source, categories, report)
        elif value is None:
            report.not_loaded[name] = "not in the checkpoint"
        elif name.startswith("backbone/") and not whole_backbone:
            report.not_loaded[name] = "the checkpoint has another backbone"
        elif value.shape != tuple(variable.shape):
            report.not_loaded[name] = "of another shape in the checkpoint"
        else:
            variable.assign(value)
            report.loaded.append(name)
    parts = {name.partition("/")[0] for name in report.loaded}
    report.notes = list(setting_notes(network, source.checkpoint, parts))
    used = {*report.loaded, *report.loaded_by_class}
    report.unused = sorted(set(values) - used)
    if not used:
        raise UserError(
            f"train.init_from = {path!r}: no weight in it fits this model. Use a checkpoint of a "
            f"similar model.\n{report}"
        )
    return report


# ---- Finding -------------------------------------------------------------------------------------
@dataclasses.dataclass(frozen=True)
class _WeightSource:
    """A TensorFlow checkpoint, and the class names of its rows if they are known."""

    checkpoint: str
    class_names: tuple[str, ...] | None

    def read(self) -> dict[str, np.ndarray]:
        """Reads all weights, under the names that `named_variables` would give them."""
        try:
            reader = tf.train.load_checkpoint(pattern_free_path(self.checkpoint))
            keys = [key for key in reader.get_variable_to_shape_map() if key.endswith(_VALUE)]
            keys = [key for key in keys if not key.startswith(_OUTSIDE_THE_MODEL)]
            return {_variable_name(key): reader.get_tensor(key) for key in keys}
        except READ_ERRORS as error:
            raise UserError(
                f"{self.checkpoint}: cannot be read as a checkpoint ({short_reason(error)}). Copy "
                "it back from a backup, or give another train.init_from"
            ) from error


def _find_source(path: str) -> _WeightSource:
    path = path.rstrip("/")
    version = newest_version(Path(path))
    if version is not None:
        categories = version / "assets" / signatures.CATEGORIES_ASSET
        return _WeightSource(
            str(version / "variables" / "variables"), _read_class_names(str(categories))
        )
    run = RunFolder(local_or_remote_path(path))
    names = _read_class_names(str(run.categories_file))
    if names and run.best_score.exists():
        return _WeightSource(run.best_or_newest_checkpoint(), names)
    checkpoint = newest_checkpoint(run.checkpoints) if names else find_checkpoint(path)
    if checkpoint:
        beside = os.path.dirname(os.path.dirname(checkpoint))  # RUN/checkpoints/ckpt-9
        return _WeightSource(
            checkpoint, _read_class_names(os.path.join(beside, run.categories_file.name))
        )
    if is_run(run.path) or (names and not (run.path / "dataset.json").is_file()):
        raise UserError(
            f"train.init_from = {path!r}: this run has no checkpoint yet. Train it first"
        )
    raise UserError(
        f"train.init_from = {path!r}: found neither a run, nor an export, nor a checkpoint "
        f"({describe_other(run.path)}). Give a "
        "--model_dir, a folder that `maskconver export` wrote, or the name of a checkpoint without "
        ".index. Weights of Keras (.h5) and PyTorch (.pth) go into the backbone's `weights`"
    )


def _read_class_names(file: str) -> tuple[str, ...] | None:
    return Categories.load(file).names if tf.io.gfile.exists(file) else None


def _variable_name(key: str) -> str:
    """Converts a checkpoint's key to the name that `named_variables` gives the variable.

    This removes the roots `model/` (of a run), `weights/` (of an export) and that of the Model
    Garden.
    """
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
    source: _WeightSource,
    categories: Categories,
    report: WarmStartReport,
) -> None:
    """Copies the rows of the classes that both lists name; the others keep their initial values."""
    if source.class_names is None:
        report.not_loaded[name] = "the classes of the checkpoint are unknown"
        return
    found = np.moveaxis(value, CLASS_AXES[name], 0)
    rows = np.moveaxis(variable.numpy(), CLASS_AXES[name], 0).copy()
    shared = [label for label in categories.names if label in source.class_names]
    if not shared or found.shape[1:] != rows.shape[1:] or len(found) != len(source.class_names):
        report.not_loaded[name] = "no class in common" if not shared else "of another width"
        return
    for label in shared:
        rows[categories.names.index(label)] = found[source.class_names.index(label)]
    variable.assign(np.moveaxis(rows, 0, CLASS_AXES[name]))
    report.loaded_by_class.append(name)
    report.shared_classes = shared
    report.new_classes = [label for label in categories.names if label not in shared]


# ---- Reporting -----------------------------------------------------------------------------------
def _first_or_none(names: Sequence[str]) -> str:
    return join_first_names(names, 5) or "none"


def _model_parts(names: Iterable[str]) -> str:
    """Names the parts of the model that hold these weights."""
    parts = dict.fromkeys("/".join(name.split("/")[:2]) for name in names)
    return _first_or_none(list(parts))
