"""The settings of a run: how long it trains, where it computes, and what it keeps."""

from __future__ import annotations

import dataclasses

from maskconver_tf.setting_checks import (
    check_choices,
    check_flags,
    check_numbers,
    check_texts,
    check_whole_numbers,
    given,
)
from maskconver_tf.training.machines.process_settings import PRECISIONS
from maskconver_tf.training.machines.strategy import STRATEGIES


@dataclasses.dataclass(frozen=True)
class RunLength:
    """How long a run trains, and how often it reports and evaluates.

    Attributes:
      total_steps: length of the run in updates of the weights.
      steps_per_loop: number of steps between two reports of the losses. Only then does the run
        notice a request to stop.
      eval_interval: number of steps between two evaluations; 0 for one evaluation at the end.
      minutes: length of the run as a time, evaluations included, in place of `total_steps`. The
        time begins when the first step is compiled. None to count steps.
    """

    total_steps: int = 1000
    steps_per_loop: int = 50
    eval_interval: int = 0
    minutes: float | None = None

    def __post_init__(self):
        counts = {"total_steps": self.total_steps, "steps_per_loop": self.steps_per_loop}
        check_whole_numbers("RunLength", 1, **counts)
        check_whole_numbers("RunLength", 0, eval_interval=self.eval_interval)
        check_numbers("RunLength", 0.01, 1e6, **given(minutes=self.minutes))


@dataclasses.dataclass(frozen=True)
class Compute:
    """Where a run computes, and how.

    Attributes:
      strategy: the devices: "auto", "cpu", "gpu", "mirrored", "multi_worker" or "tpu".
      tpu: name or address of the TPU, for the strategy "tpu".
      precision: "float32" or "mixed_bfloat16".
      jit_compile: compile the training step, and the network in evaluations, with XLA.
      deterministic: every run gives the same numbers, at some cost in speed.
      accumulation_steps: number of parts into which a replica divides its share of a batch, to save
        memory; see `TrainingStep`.
    """

    strategy: str = "auto"
    tpu: str = "local"
    precision: str = "float32"
    jit_compile: bool = False
    deterministic: bool = False
    accumulation_steps: int = 1

    def __post_init__(self):
        check_choices("Compute", STRATEGIES, strategy=self.strategy)
        check_texts("Compute", "local", tpu=self.tpu)
        check_choices("Compute", PRECISIONS, precision=self.precision)
        check_flags("Compute", jit_compile=self.jit_compile, deterministic=self.deterministic)
        check_whole_numbers("Compute", 1, accumulation_steps=self.accumulation_steps)


@dataclasses.dataclass(frozen=True)
class Saving:
    """What a run keeps besides its best weights.

    Attributes:
      checkpoint_interval: number of steps between two checkpoints. The first one comes after the
        first loop.
      keep_checkpoints: number of the newest checkpoints to keep.
      background_writes: write checkpoints while training goes on, where the strategy allows it.
      wandb_project: project of Weights & Biases that gets a copy of what TensorBoard gets; needs
        the extra `wandb`. None for none.
    """

    checkpoint_interval: int = 500
    keep_checkpoints: int = 3
    background_writes: bool = True
    wandb_project: str | None = None

    def __post_init__(self):
        counts = {"checkpoint_interval": self.checkpoint_interval}
        check_whole_numbers("Saving", 1, **counts, keep_checkpoints=self.keep_checkpoints)
        check_flags("Saving", background_writes=self.background_writes)
        check_texts("Saving", "maskconver", **given(wandb_project=self.wandb_project))
