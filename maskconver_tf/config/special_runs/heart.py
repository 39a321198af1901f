"""Learns a few pictures by heart: `maskconver train --heart`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import tensorflow as tf

from maskconver_tf.config import configuration, roots
from maskconver_tf.config.bindings import OptionSetting
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.planning.learn_by_heart.input_faults import InputReport, examine
from maskconver_tf.planning.learn_by_heart.threshold_sweep import pq_ceiling, sweep_thresholds
from maskconver_tf.planning.learn_by_heart.verdict import Outcome, describe, describe_faults
from maskconver_tf.training.optimizers import make_optimizer
from maskconver_tf.training.restore import restore_network
from maskconver_tf.training.run_settings import RunLength
from maskconver_tf.training.tasks.panoptic_task import PanopticTask
from maskconver_tf.training.train import train

NUM_PICTURES = 8
DEFAULT_STEPS = 400
_BATCH_SIZE = 4
"""Of a machine without a GPU, where a smaller batch takes less time."""
_REPORTS = 16
"""Reports of the loss in a training, so that its last quarter has some."""

_INPUT = "maskconver_tf.input.pipeline.TrainingInput"
_EVALUATION = "maskconver_tf.input.pipeline.EvaluationInput"
_OPTIMIZER = "maskconver_tf.training.optimizers.make_optimizer"
_RUN = "maskconver_tf.training.run_settings"

_SAME_PICTURES = (
    f"{_INPUT}.max_examples={NUM_PICTURES}",
    f"{_INPUT}.shuffle_shards=None",
    f"{_INPUT}.shard_files=False",
    f"{_INPUT}.service=None",
    f"{_INPUT}.cache=True",
    f"{_EVALUATION}.max_examples={NUM_PICTURES}",
    f"maskconver_tf.training.tasks.panoptic_task.PanopticTask.eval_input=@{_EVALUATION}()",
)
_NO_AUGMENTATION = (
    f"{_INPUT}.scale_range=(1.0, 1.0)",
    f"{_INPUT}.flip=False",
    f"{_INPUT}.color_jitter=0.0",
    f"{_INPUT}.autoaugment=False",
    f"{_INPUT}.copy_paste=0.0",
    f"{_INPUT}.vertical_flip=False",
    f"{_INPUT}.quarter_turns=False",
    *(f"{_INPUT}.{name}=0.0" for name in ("rotation", "elastic", "blur", "noise", "gamma")),
)
_LEARNING = (
    f"{_OPTIMIZER}.ema_decay=None",
    f"{_OPTIMIZER}.final_fraction=0.05",
    f"{_OPTIMIZER}.weight_decay=0.0",
    f"{_RUN}.RunLength.eval_interval=0",
    f"{_RUN}.RunLength.minutes=None",
)
_DROPS = ((resnet, "drop_path"), (resnet, "stochastic_depth"), (ConvNeXtUNet, "drop_path"))


def heart_run(
    model_dir: str,
    files: Iterable[str],
    bindings: Sequence[str | OptionSetting],
    total_steps: int | None = None,
) -> bool:
    """Trains on 8 pictures without augmentation, and prints whether they were learned.

    First it examines the pictures. If they have a fault that no training cures, it trains nothing.

    Args:
      model_dir: folder of the run.
      files: Gin files, as for `configuration.load`.
      bindings: the user's settings. Those of the data order, of augmentation, of the moving average
        and of evaluations are overridden.
      total_steps: length of the training; None for `DEFAULT_STEPS`.

    Returns:
      Whether the pictures were learned.

    Raises:
      UserError: the configuration trains an earlier stage; or see `train`.
    """
    files, steps = list(files), total_steps or DEFAULT_STEPS
    continued = local_or_remote_path(model_dir) / "config.gin"
    configuration.load(files, bindings, continued=continued)
    all_bindings = [*bindings, *_overrides(steps)]
    configuration.load(files, all_bindings, continued=continued)
    report = _examine()
    if report.faults:
        print(describe_faults(report.faults), flush=True)
        return False
    # Building the inputs counts as a use of settings. The training must check for itself.
    configuration.load(files, all_bindings, continued=continued)
    losses: list[tuple[int, float]] = []
    roots.train_run(model_dir, lambda step, output: losses.append((step, float(output["loss"]))))
    outcome = _score(model_dir, losses, steps, report.borders_agree)
    print(describe(outcome), flush=True)
    return outcome.passed


def _overrides(steps: int) -> list[str]:
    """Returns the bindings of the training, for the loaded configuration."""
    kind = configuration.bound_class(train, "task")
    if not issubclass(kind, PanopticTask):
        raise UserError(
            f"--heart: this configuration trains {kind.kind}; expected one of panoptic "
            "segmentation. Leave out --heart, and lower max_examples of its inputs by hand"
        )
    warmup = min(configuration.argument(make_optimizer, "warmup_steps"), steps // 10)
    loop = min(configuration.argument(RunLength, "steps_per_loop"), max(steps // _REPORTS, 1))
    drops = [(target, name) for target, name in _DROPS if configuration.argument(target, name)]
    return [
        *_SAME_PICTURES,
        *_NO_AUGMENTATION,
        *_LEARNING,
        *_smaller_batch(),
        f"{_EVALUATION}.data_dir={configuration.argument(TrainingInput, 'data_dir')!r}",
        f"{_EVALUATION}.input_size={configuration.argument(TrainingInput, 'input_size')!r}",
        f"{_OPTIMIZER}.warmup_steps={warmup}",
        f"{_RUN}.RunLength.total_steps={steps}",
        f"{_RUN}.RunLength.steps_per_loop={loop}",
        f"{_RUN}.Saving.checkpoint_interval={steps}",
        *(f"{t.__module__}.{t.__qualname__}.{name}=0.0" for t, name in drops),
    ]


def _smaller_batch() -> list[str]:
    is_large = configuration.argument(TrainingInput, "batch_size") > _BATCH_SIZE
    if not is_large or tf.config.list_physical_devices("GPU"):
        return []
    return [f"{_INPUT}.batch_size={_BATCH_SIZE}", f"{_RUN}.Compute.accumulation_steps=1"]


def _task() -> PanopticTask:
    return configuration.arguments_of(train, supplied=roots.TRAIN_HOOKS)["task"]


def _examine() -> InputReport:
    """Reads the pictures as the training will, and looks for faults."""
    task, model = _task(), configuration.bound_class(PanopticTask, "model")
    targets = task.targets(center_levels=roots.center_levels_of(model))
    with task.explain_read_errors():
        batches = task.train_input.batches(targets).unbatch()
        count = min(NUM_PICTURES, task.train_input.num_examples)
        examples = list(itertools.islice(batches.as_numpy_iterator(), count))
    try:
        num_proposals = configuration.argument(model, "num_proposals")
    except KeyError:  # A model of another kind.
        num_proposals = None
    return examine(examples, num_proposals)


def _score(
    model_dir: str,
    losses: Sequence[tuple[int, float]],
    steps: int,
    borders_agree: bool | None,
) -> Outcome:
    """Sweeps the thresholds with the weights of the run."""
    task = _task()
    network = restore_network(model_dir, task.model, task.train_input.input_size).network
    targets = task.make_targets(network)
    return Outcome(
        sweep_thresholds(network, task),
        pq_ceiling(task, targets.label_stride, targets.num_slots, 2**network.mask_level),
        losses,
        steps,
        configuration.argument(make_optimizer, "learning_rate"),
        borders_agree,
    )
