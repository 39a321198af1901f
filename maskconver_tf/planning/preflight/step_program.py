"""The training step of a configuration, with neither its data nor its machine at hand."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.inference.segmenter import built
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.training import optimizers
from maskconver_tf.training.step import Trainer
from maskconver_tf.training.tasks.task import Task
from maskconver_tf.training.train import prepare_process


class StepProgram:
    """What `train` would run on one replica: model, losses, optimizer and moving average.

    Args:
      arguments: of `train`, by name.
      num_classes: C.

    Attributes:
      model: built.
      optimizer: built for the model.
      trainer: of the two.
      precision: the policy's name.
      example: an empty example as the device gets it, field -> tensor without a batch axis.
    """

    def __init__(self, arguments: dict[str, Any], num_classes: int):
        self.precision = arguments["precision"]
        prepare_process(self.precision, arguments["seed"])
        self.input_size = tuple(arguments["train_input"].input_size)
        with random_weights():
            self.model = built(arguments["model"](num_classes=num_classes), self.input_size)
        self.optimizer = arguments["optimizer"](
            total_steps=arguments["total_steps"], batch_size=arguments["train_input"].batch_size
        )
        optimizers.prepare(self.optimizer, self.model)
        task = Task.of(arguments)
        self.example = task.empty_example(self.model)
        self.trainer = Trainer(task, self.model, self.optimizer, tf.distribute.get_strategy())

        def step(*fields: tf.Tensor) -> tf.Tensor:
            return self.trainer.replica_step(dict(zip(self.example, fields, strict=True)))

        self._step = tf.function(step, jit_compile=True, autograph=False)

    def graph(self, batch_size: int) -> tf.Graph:
        """The traced step; nothing is computed."""
        return self._step.get_concrete_function(*self._specs(batch_size)).graph

    def hlo(self, batch_size: int) -> bytes:
        """The step as a serialized XLA module, as the bridge for this machine's CPU lowers it.

        Donated weights are noted in it: the step updates them in place.
        """
        lower = self._step.experimental_get_compiler_ir(*self._specs(batch_size))
        return lower(stage="hlo_serialized")

    def _specs(self, batch_size: int) -> list[tf.TensorSpec]:
        return [tf.TensorSpec([batch_size, *x.shape], x.dtype) for x in self.example.values()]


def count_classes(train_input: Any, given: int | None) -> int:
    """The class count: as given, else that of the dataset.

    Raises:
      UserError: none is given and the dataset is not there.
    """
    if given is not None:
        if given < 1:
            raise UserError(f"--num_classes {given}: expected 1 or more")
        return given
    try:
        return len(train_input.folder.categories)
    except UserError as error:
        raise UserError(f"{error}. Or give --num_classes N: no data is needed then") from error
