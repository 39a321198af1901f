"""The options of `maskconver export` that only one runtime takes."""

from __future__ import annotations

import argparse
from typing import Any

from maskconver_tf.errors import UserError

SAVED_MODEL, LITERT = "saved_model", "litert"
RUNTIMES = (SAVED_MODEL, LITERT)

_WHY_NOT = {
    "batch_sizes": "a LiteRT file takes one picture at a time",
    "max_pixels": "a LiteRT file takes pixels of the input size and decodes nothing",
    "bfloat16": "LiteRT has no bfloat16; --precisions float16 gives the smaller files",
    "xla": "LiteRT does not use XLA",
    "model_only": "the files heads_*.tflite hold the model without fusion and are always written",
    "skip_measure": "LiteRT files are always measured; --scored_pictures 1 makes that short",
    "precisions": "a SavedModel has float32, or bfloat16 with --bfloat16",
    "float_tensors": "a SavedModel is not quantised",
    "train_data": "a SavedModel is not calibrated",
    "eval_data": "a SavedModel is not scored; `maskconver evaluate` scores the run",
    "calibration_pictures": "a SavedModel is not calibrated",
    "scored_pictures": "a SavedModel is not scored; `maskconver evaluate` scores the run",
}


def choose_options(args: argparse.Namespace, defaults: dict[str, dict[str, Any]]) -> None:
    """Sets the options of the runtime `args.to` that were not given to their defaults.

    Args:
      args: the arguments of the command; an option that was not given is None.
      defaults: runtime -> name of an option that only this runtime takes -> default.

    Raises:
      UserError: an option of another runtime was given.
    """
    for runtime, options in defaults.items():
        given = {name: getattr(args, name) for name in options if runtime != args.to}
        if given := {name: value for name, value in given.items() if value is not None}:
            raise UserError(_refusal(given, args.to, runtime))
    for name, default in defaults[args.to].items():
        if getattr(args, name) is None:
            setattr(args, name, default)


def _refusal(given: dict[str, Any], runtime: str, other: str) -> str:
    names = ", ".join(_as_typed(name, value) for name, value in given.items())
    reasons = "; ".join(dict.fromkeys(_WHY_NOT[name] for name in given))
    these, them = ("this option", "it") if len(given) == 1 else ("these options", "them")
    return (
        f"{names}: only --to {other} takes {these}, and the export is --to {runtime}: {reasons}. "
        f"Leave {them} out, or export with --to {other}"
    )


def _as_typed(name: str, value: Any) -> str:
    if value is True:
        return f"--{name}"
    text = ",".join(map(str, value)) if isinstance(value, tuple) else value
    return f"--{name} {text}"
