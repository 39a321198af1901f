"""Measures the steps of an experiment that is not written yet; `maskconver new` needs them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tf_keras

from maskconver_tf.config import configuration
from maskconver_tf.planning.first_configuration.choosing.plan import MeasuredTraining
from maskconver_tf.planning.preflight.measured_step import measure_step
from maskconver_tf.planning.preflight.step_program import StepProgram, choose_num_classes
from maskconver_tf.planning.preflight.training_needs import TrainingNeeds, count_needs
from maskconver_tf.planning.show_inputs import show_inputs
from maskconver_tf.training.evaluate import evaluate
from maskconver_tf.training.restore import restore_segmenter
from maskconver_tf.training.train import train

_NUM_STEPS = 3


def measure_experiment(text: str, part_size: int) -> MeasuredTraining:
    """Builds the model of an experiment and computes real steps on empty pictures.

    It also finds settings without effect, as a training would.

    Args:
      text: content of a .gin file. Its data exists.
      part_size: pictures of a measured step.

    Raises:
      UserError: a training would refuse the experiment.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "experiment.gin"
        file.write_text(text, encoding="utf-8")
        configuration.load([file])
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    train_input = arguments["task"].train_input
    program = configuration.call(StepProgram, arguments, choose_num_classes(train_input, None))
    configuration.check_all_used(other_roots=[train, evaluate, restore_segmenter, show_inputs])
    step = measure_step(program, part_size, arguments["compute"].jit_compile, _NUM_STEPS)
    needs = count_needs(program, train_input.batch_size)
    tf_keras.backend.clear_session()
    height, width = train_input.input_size
    seconds = step.seconds_of_part / (part_size * height * width / 1e6)
    return MeasuredTraining(step.device, seconds, _bytes_of(needs))


def _bytes_of(needs: TrainingNeeds) -> int:
    """The sum of the table of `preflight`."""
    return (
        needs.weight_bytes
        + needs.slot_bytes
        + needs.average_bytes
        + needs.gradient_bytes
        + needs.activation_bytes
    )
