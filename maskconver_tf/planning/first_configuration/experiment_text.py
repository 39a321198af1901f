"""Writes the plan as a Gin file with a reason for each value."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import PurePath
from typing import Any

from maskconver_tf.planning.first_configuration.choosing.plan import Plan
from maskconver_tf.planning.first_configuration.choosing.setting import Setting
from maskconver_tf.planning.first_configuration.wording import counted

MOST_LINES = 40
_WIDTH = 110


def experiment_text(
    plan: Plan, train_data: str, eval_data: str, file_name: str, command: str
) -> str:
    """Returns the text of the experiment, at most `MOST_LINES` lines.

    Args:
      plan: the settings.
      train_data, eval_data: the dataset folders, as they are named in the current folder.
      file_name: the experiment's file, for the commands in its header.
      command: the command that wrote it.
    """
    lines = [
        f"include 'experiments/model/{plan.model.candidate.name}.gin'",
        "",
        *map(_line, _data_settings(plan, train_data, eval_data)),
        *map(_line, plan.settings),
    ]
    header = _header(plan, file_name, command)
    header += _fitting(_doubt_lines(plan), MOST_LINES - len(header) - len(lines))
    return "\n".join([*header, *lines]) + "\n"


def _header(plan: Plan, file_name: str, command: str) -> list[str]:
    speed = f"{plan.budget.seconds:.2g} seconds for a megapixel of training"
    where = f"this machine, {plan.measured.device}" if plan.measured else "not measured; assumed"
    shown = train_command(plan, file_name)
    return [
        *_comment(f"Written by `{command}`. Change what you like."),
        f"# Command: {shown}",
        f"# Hardware: {where}: {speed}",
        "# Expected: not measured",
        *_comment(f"Model: {plan.model.reason}."),
    ]


def train_command(plan: Plan, file_name: str) -> str:
    """Returns the command that trains; with the minutes if the plan uses them up."""
    words = ["maskconver", "train", "--gin_file", file_name, "--model_dir", run_folder(file_name)]
    if not plan.length.is_cut:
        words += ["--minutes", f"{plan.budget.minutes:g}"]
    return shlex.join(words)


def input_reason(plan: Plan) -> str:
    """Returns why the input of evaluation and prediction has its size."""
    if plan.size.is_enlarged:
        return "1.5 times the size in training, which was best on crowds"
    return plan.size.reason


def run_folder(file_name: str) -> str:
    """Returns a folder for the run of an experiment."""
    return f"runs/{PurePath(file_name).stem}"


def _data_settings(plan: Plan, train_data: str, eval_data: str) -> list[Setting]:
    facts = plan.facts
    settings = [
        Setting("TRAIN_DATA", train_data, counted(facts.num_pictures, "picture")),
        Setting("EVAL_DATA", eval_data, counted(facts.num_eval, "picture")),
        Setting("INPUT_SIZE", plan.size.input_size, input_reason(plan)),
    ]
    if plan.size.train_size != plan.size.input_size:
        reason = "crops of that size in training" if plan.size.crops else plan.size.reason
        settings.append(Setting("TrainingInput.input_size", plan.size.train_size, reason))
    if plan.model.candidate.is_pretrained:
        reason = "from the package of the extra `pretrained`"
        settings.append(Setting("efficientnet_lite0.weights", "imagenet", reason))
    return settings


def _line(setting: Setting) -> str:
    return f"{setting.name} = {_value(setting.value)}  # {setting.reason}"


def _value(value: Any) -> str:
    return repr(value)


def _doubt_lines(plan: Plan) -> list[list[str]]:
    return [_comment(f"Unsure: {doubt}.") for doubt in plan.doubts]


def _fitting(doubts: list[list[str]], room: int) -> list[str]:
    """Returns the first doubts that fit into a number of lines."""
    lines: list[str] = []
    for doubt in doubts:
        if len(lines) + len(doubt) <= room:
            lines += doubt
    return lines


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
