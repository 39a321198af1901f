"""Makes a learning rate schedule follow the progress of a run instead of its step."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from maskconver_tf.training.time_plan.plan import Segment


class RunProgress:
    """The progress of each step as a tensor, see `plan`. A new segment needs no new tracing.

    Make it in the scope of the strategy.
    """

    def __init__(self) -> None:
        options = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        self._first_step = tf.Variable(0.0, **options)
        self._first_progress = tf.Variable(0.0, **options)
        self._num_steps = tf.Variable(1.0, **options)

    def follow(self, segment: Segment) -> None:
        """Takes the progress from a segment, from the next step on."""
        self._first_step.assign(float(segment.first_step))
        self._first_progress.assign(segment.first_progress)
        self._num_steps.assign(float(max(segment.last_step - segment.first_step, 1)))

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the progress after `step` steps, float32, 0..1; see `Segment.progress`."""
        share = (tf.cast(step, tf.float32) - self._first_step) / self._num_steps
        first = tf.convert_to_tensor(self._first_progress)
        return first + (1.0 - first) * tf.clip_by_value(share, 0.0, 1.0)


class StretchedSchedule(tf_keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of a nominal length, stretched to the length of the run.

    Args:
      nominal: the schedule.
      nominal_steps: its length.
      progress: of the run.
    """

    def __init__(
        self,
        nominal: tf_keras.optimizers.schedules.LearningRateSchedule,
        nominal_steps: int,
        progress: RunProgress,
    ):
        self._nominal = nominal
        self._nominal_steps = nominal_steps
        self._progress = progress

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self._nominal(self._progress(step) * self._nominal_steps)

    def get_config(self) -> dict:
        return {"nominal": self._nominal.get_config(), "nominal_steps": self._nominal_steps}
