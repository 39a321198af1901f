"""Options for the settings that nearly every run changes: data, input size, number of steps.

Each option becomes a binding. It overrides the Gin files, and `--gin.` arguments override it.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from maskconver_tf.cli.arguments import (
    CommandParser,
    folder_name,
    input_size,
    number_in,
    positive_count,
)
from maskconver_tf.errors import UserError

if TYPE_CHECKING:
    from maskconver_tf.config.bindings import OptionSetting

TOTAL_STEPS = "maskconver_tf.training.run_settings.RunLength.total_steps"
"""The number of steps of a run, by its complete name: every configuration knows it."""
MINUTES = "maskconver_tf.training.run_settings.RunLength.minutes"


@dataclasses.dataclass(frozen=True)
class RunOption:
    """An option that makes one setting of a run.

    Attributes:
      setting: the name that it binds: a macro that experiments read, or a parameter.
      parameter: the parameter that gets the value in the end.
      metavar: the value's name in the help.
      help: what the value means.
      parse: makes the value from a text; raises `UserError`.
    """

    setting: str
    parameter: str
    metavar: str
    help: str
    parse: Callable[[str], Any]

    def advice(self) -> str:
        """Returns the end of the message for a configuration that does not use the setting."""
        return (
            f"this option sets {self.setting}, which nothing in the configuration reads. Write "
            f"'{self.parameter} = %{self.setting}' in your Gin file, or set {self.parameter} "
            "there and leave out the option"
        )


RUN_OPTIONS = {
    "train_data": RunOption(
        "TRAIN_DATA",
        "TrainingInput.data_dir",
        "DIR",
        "dataset to train on (default: the experiment's)",
        folder_name("--train_data"),
    ),
    "eval_data": RunOption(
        "EVAL_DATA",
        "EvaluationInput.data_dir",
        "DIR",
        "dataset to evaluate on (default: the experiment's)",
        folder_name("--eval_data"),
    ),
    "input_size": RunOption(
        "INPUT_SIZE",
        "TrainingInput.input_size",
        "H,W",
        "height and width of the input, multiples of 32 (default: the experiment's)",
        input_size,
    ),
    "total_steps": RunOption(
        TOTAL_STEPS,
        TOTAL_STEPS,
        "N",
        "length of the training in steps (default: the experiment's)",
        positive_count("--total_steps"),
    ),
    "minutes": RunOption(
        MINUTES,
        MINUTES,
        "MIN",
        "length of the training as a time, in place of --total_steps: the run measures its steps "
        "and evaluations and fits steps, warm-up and learning rate to the time. It begins when the "
        "first step is compiled",
        number_in("--minutes", 0.01, 1e6, such_as=30),
    ),
}

DATA = ("train_data", "eval_data")
"""The options that say where the data is."""


def add_run_options(parser: CommandParser, names: Iterable[str] = RUN_OPTIONS) -> None:
    """Adds the options `names`, each as `--name`."""
    for name in names:
        option = RUN_OPTIONS[name]
        parser.add_argument(
            f"--{name}", type=option.parse, metavar=option.metavar, help=option.help
        )


def settings(args: argparse.Namespace, names: Iterable[str] = RUN_OPTIONS) -> list[OptionSetting]:
    """Returns the settings that the given options make, as `configuration.load` takes them."""
    from maskconver_tf.config.bindings import OptionSetting

    given = {name: getattr(args, name, None) for name in names}
    if given.get("minutes") and given.get("total_steps"):
        raise UserError(
            f"--minutes {given['minutes']:g} and --total_steps {given['total_steps']} both give "
            "the length of the training; leave out one of the two"
        )
    found = [
        OptionSetting(
            text=f"{RUN_OPTIONS[name].setting}={value!r}",
            option=f"--{name} {_as_typed(value)}",
            advice=RUN_OPTIONS[name].advice(),
        )
        for name, value in given.items()
        if value is not None
    ]
    if given.get("total_steps"):
        # The steps take the place of an experiment's minutes.
        option = f"--total_steps {given['total_steps']}"
        found.append(OptionSetting(f"{MINUTES}=None", option, RUN_OPTIONS["minutes"].advice()))
    return found


def _as_typed(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else shlex.quote(str(value))
