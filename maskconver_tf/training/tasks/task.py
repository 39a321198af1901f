"""What a run learns: the parts that differ between kinds of segmentation and classification."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import orbit
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.training.machines.workers import Workers
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.warm_start import initial_network

Losses = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Task:
    """A model, its loss, its inputs and its evaluation; `train` knows no more of what it trains.

    The loss is called with the model's outputs, a batch, and a function that sums a scalar over
    replicas. It returns this replica's share of the global loss as "loss", and of the terms worth
    reporting, all scalars, under the names of `loss_names`.

    Attributes:
      model: makes the model from `num_classes`.
      loss: see above.
      train_input: has `folder.categories`, `input_size`, the global `batch_size` and `batches`.
      eval_input: None for no evaluation.
      targets: what makes the labels of an example, where a task needs it.
      fusion: what makes a prediction of the outputs, where a task needs it.
    """

    kind: ClassVar[str]
    """What is learned, for messages."""
    metric: ClassVar[str] = "pq"
    """Of the scores of "all": what the best weights are kept by; higher is better."""
    metric_name: ClassVar[str] = "PQ"
    """The metric's, for people."""
    evaluation_input: ClassVar[str] = "EvaluationInput"
    """The name that `eval_input` has in Gin."""
    count_names: ClassVar[tuple[str, ...]] = ()
    """Of what `counts` returns."""

    model: Callable[..., tf_keras.Model]
    loss: Callable[..., Losses]
    train_input: Any
    eval_input: Any = None
    targets: Any = None
    fusion: Any = None

    @staticmethod
    def of(arguments: Mapping[str, Any]) -> Task:
        """The task of `train`'s arguments, by name."""
        make = arguments["task"]
        return make(**{field.name: arguments[field.name] for field in dataclasses.fields(Task)})

    @property
    def categories(self) -> Categories:
        """The class list of the run."""
        return self.train_input.folder.categories

    def network(self, folder: RunFolder, init_from: str | None) -> tf_keras.Model:
        """The built model with the weights that the run begins with, see `initial_network`."""
        size = self.train_input.input_size
        return initial_network(self.model, folder, self.categories, size, init_from)

    # ---- A step ----------------------------------------------------------------------------------
    def batches(self, network: tf_keras.Model) -> Callable[..., tf.data.Dataset]:
        """A function: first step, `tf.distribute.InputContext` -> the batches from there on."""
        raise NotImplementedError

    def empty_example(self, network: tf_keras.Model) -> dict[str, tf.Tensor]:
        """A black picture with nothing on it, as `batches` gives it but without a batch axis."""
        return {types.IMAGE: tf.zeros([*self.train_input.input_size, 3], tf.uint8)}

    def loss_names(self, network: tf_keras.Model) -> tuple[str, ...]:
        """Of what `losses` returns; the first is "loss"."""
        raise NotImplementedError

    def losses(
        self, network: tf_keras.Model, batch: dict[str, tf.Tensor], sum_over_replicas: Callable
    ) -> Losses:
        """The forward pass of a training step and its losses."""
        outputs = network(batch[types.IMAGE], training=True)
        return self.loss(outputs, batch, sum_over_replicas)

    def amount(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """What the loss sums over replicas to divide by: segments, pixels or pictures; a scalar."""
        raise NotImplementedError

    def counts(self, batch: dict[str, tf.Tensor]) -> Losses:
        """Numbers to sum over replicas and report as means per step: `count_names` -> scalar."""
        return {}

    # ---- Around the steps ------------------------------------------------------------------------
    def evaluator(
        self,
        network: tf_keras.Model,
        workers: Workers,
        averaged: Callable,
        on_scores: Callable[[dict], None],
        on_picture: Callable[[], None],
        show: Callable[[dict[str, float | np.ndarray]], None],
        jit_compile: bool = False,
    ) -> orbit.AbstractEvaluator:
        """Scores the network, see `Evaluator`; returns group -> metric -> percent."""
        raise NotImplementedError

    def reading(self) -> contextlib.AbstractContextManager:
        """Within it, errors of the training data are named."""
        return contextlib.nullcontext()

    def pictures_of(self, step: int) -> list[dict[str, int | str]]:
        """What names the pictures of a step's batch; empty where nobody knows."""
        return []
