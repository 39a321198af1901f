"""A task is what a run learns: panoptic segmentation, semantic segmentation or classification."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.setting_checks import check_functions, check_objects
from maskconver_tf.training.evaluators.evaluator import EvaluationHooks, Evaluator
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.warm_start import initial_network

Losses = dict[str, tf.Tensor]
"""Loss terms by name, scalars; "loss" is their weighted sum."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A model, its loss, its inputs and its evaluation. `train` knows nothing else of a task.

    The loss is called with the model's outputs, a batch, and a function that sums a scalar over
    replicas. It returns this replica's share of the global loss as "loss", and scalar terms for the
    report under the names of `loss_names`.

    Attributes:
      model: makes the model from `num_classes`.
      loss: compares the model's outputs with the labels of a batch, see above. Its `normalizer`
        counts what it divides by.
      train_input: makes the batches; has `folder.categories`, `input_size`, the global
        `batch_size` and `batches`.
      eval_input: what to evaluate on; None for no evaluation.
    """

    kind: ClassVar[str]
    """What is learned, for messages."""
    metric: ClassVar[str]
    """The metric of "all" that chooses the best weights; higher is better."""
    metric_name: ClassVar[str]
    """The metric's name for people."""
    eval_input_class: ClassVar[str]
    """The name that Gin files use for the class of `eval_input`."""
    count_names: ClassVar[tuple[str, ...]] = ()
    """The names of what `counts` returns."""
    _references: ClassVar[dict[str, str]]
    """Field -> the reference that Gin files bind to it, for messages."""
    _loss_attribute: ClassVar[str] = "normalizer"
    """An attribute that only losses of this task have."""

    model: Callable[..., tf_keras.Model]
    loss: Callable[..., Losses]
    train_input: Any
    eval_input: Any = None

    def __post_init__(self):
        where, evaluation = type(self).__name__, f"@{self.eval_input_class}()"
        check_functions(where, model=(self.model, self._references["model"]))
        check_objects(
            where,
            loss=(self.loss, self._loss_attribute, self._references["loss"]),
            train_input=(self.train_input, "batches", self._references["train_input"]),
        )
        if self.eval_input is not None:
            check_objects(where, eval_input=(self.eval_input, "examples", evaluation))

    @property
    def categories(self) -> Categories:
        """The class list of the run."""
        return self.train_input.folder.categories

    def network(self, folder: RunFolder, init_from: str | None) -> tf_keras.Model:
        """Builds the model and fills in the run's first weights, see `initial_network`."""
        size = self.train_input.input_size
        return initial_network(self.model, folder, self.categories, size, init_from)

    # ---- A step ----------------------------------------------------------------------------------
    def batches(self, network: tf_keras.Model) -> Callable[..., tf.data.Dataset]:
        """Returns a function: first step, `tf.distribute.InputContext` -> batches from there."""
        raise NotImplementedError

    def empty_example(self, network: tf_keras.Model) -> dict[str, tf.Tensor]:
        """Returns a black picture without labels, in the form of one element of a batch."""
        return {types.IMAGE: tf.zeros([*self.train_input.input_size, 3], tf.uint8)}

    def loss_names(self, network: tf_keras.Model) -> tuple[str, ...]:
        """Returns the names of what `losses` returns; the first is "loss"."""
        return ("loss",)

    def losses(
        self, network: tf_keras.Model, batch: dict[str, tf.Tensor], sum_over_replicas: Callable
    ) -> Losses:
        """Computes the forward pass of a training step and its losses."""
        outputs = network(batch[types.IMAGE], training=True)
        return self.loss(outputs, batch, sum_over_replicas)

    def loss_normalizer(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """Counts the segments, pixels or pictures that the loss divides by, a scalar."""
        return self.loss.normalizer(batch)

    def counts(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns counts to sum over replicas and report as means per step, by `count_names`."""
        return {}

    # ---- Around the steps ------------------------------------------------------------------------
    def evaluator(
        self,
        network: tf_keras.Model,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ) -> Evaluator:
        """Makes the evaluator that scores the network on `eval_input`."""
        raise NotImplementedError

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        """Opens a context in which an error while reading the training data names the file."""
        return contextlib.nullcontext()

    def pictures_of(self, step: int) -> list[dict[str, int | str]]:
        """Names the pictures of a step's batch. Empty if the input does not know them."""
        return []
