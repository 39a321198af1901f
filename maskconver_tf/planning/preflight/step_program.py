"""Builds the training step of a configuration, without its data and its machine."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.build_network import build_network
from maskconver_tf.training import optimizers
from maskconver_tf.training.machines.process_settings import prepare_process
from maskconver_tf.training.step import TrainingStep


class StepProgram:
    """The step that `train` would run on one replica: model, losses, optimizer, moving average.

    Args:
      arguments: the arguments of `train`, by name.
      num_classes: C.

    Attributes:
      model: the model, with its weights.
      optimizer: the optimizer, with its slots for the model.
      training_step: computes the step of both.
      precision: name of the precision policy.
      example: an empty example in the form that the device gets: field -> tensor without a batch
        axis.
    """

    def __init__(self, arguments: dict[str, Any], num_classes: int):
        task, train_input = arguments["task"], arguments["task"].train_input
        self.precision = arguments["compute"].precision
        prepare_process(self.precision, arguments["seed"])
        self.input_size = tuple(train_input.input_size)
        with random_weights():
            self.model = build_network(task.model(num_classes=num_classes), self.input_size)
        self.optimizer = arguments["optimizer"](
            total_steps=arguments["length"].total_steps, batch_size=train_input.batch_size
        )
        optimizers.build_optimizer(self.optimizer, self.model)
        self.example = task.empty_example(self.model)
        strategy = tf.distribute.get_strategy()
        self.training_step = TrainingStep(task, self.model, self.optimizer, strategy)

        def step(*fields: tf.Tensor) -> tf.Tensor:
            return self.training_step.replica_step(dict(zip(self.example, fields, strict=True)))

        self._step = tf.function(step, jit_compile=True, autograph=False)

    def graph(self, batch_size: int) -> tf.Graph:
        """Traces the step for a batch size, without computing it.

        Raises:
          UserError: a tensor of such a batch has more elements than TensorFlow can count.
        """
        try:
            return self._step.get_concrete_function(*self._specs(batch_size)).graph
        except ValueError as error:  # The sizes of some operations have 32 bits.
            if batch_size == 1:
                raise
            self.graph(1)  # Another fault shows here, too.
            height, width = self.input_size
            raise UserError(
                f"found a batch of {batch_size} pictures of {height}x{width} on one core, whose "
                "masks have more elements than TensorFlow can count; give the pictures of one "
                "core, such as --per_core_batch 8"
            ) from error

    def hlo(self, batch_size: int) -> bytes:
        """Lowers the step to a serialized XLA module, in the form for this machine's CPU.

        The module notes which weights are donated: the step updates them in place.
        """
        lower = self._step.experimental_get_compiler_ir(*self._specs(batch_size))
        return lower(stage="hlo_serialized")

    def _specs(self, batch_size: int) -> list[tf.TensorSpec]:
        return [tf.TensorSpec([batch_size, *x.shape], x.dtype) for x in self.example.values()]


def choose_num_classes(train_input: Any, given: int | None) -> int:
    """Returns the given number of classes or, for None, that of the dataset.

    Raises:
      UserError: the given number is below 1; or none is given and the dataset does not exist.
    """
    if given is not None:
        if given < 1:
            raise UserError(
                f"--num_classes {given}: expected 1 or more; omit it to read the class list of the "
                "dataset"
            )
        return given
    try:
        return len(train_input.folder.categories)
    except UserError as error:
        raise UserError(f"{error}. Or give --num_classes N to run without a dataset") from error
