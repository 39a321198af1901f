"""The commands around a training: `maskconver preflight` and `maskconver train`."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

from maskconver_tf.cli import process_end, run_options
from maskconver_tf.cli.arguments import (
    CommandParser,
    add_command,
    add_gin_file_option,
    add_gin_option,
    folder_name,
    number_in,
    positive_count,
)
from maskconver_tf.errors import RunStopped, UserError
from maskconver_tf.files.paths import local_or_remote_path


# ---- preflight -----------------------------------------------------------------------------------
def add_preflight_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "preflight",
        run_preflight,
        "tell what a training will need: size, cost, memory, and whether it fits a TPU",
        "maskconver preflight --gin_file experiments/demo.gin --input_size 320,320 \\\n"
        "      --num_classes 133 --tpu v5e:2x2 --per_core_batch 8",
    )
    add_gin_file_option(parser)
    run_options.add_run_options(parser)
    add_gin_option(parser)
    parser.add_argument(
        "--num_classes",
        type=positive_count("--num_classes"),
        metavar="N",
        help="number of classes; no dataset is needed then (default: the dataset's)",
    )
    parser.add_argument(
        "--per_core_batch",
        type=positive_count("--per_core_batch"),
        metavar="N",
        help="pictures per core (default: TrainingInput.batch_size over the cores of --tpu)",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="compute some steps on this machine; prints seconds a step and minutes in all, or the "
        "steps that fit into --minutes",
    )
    _add_compiler_options(parser)


def _add_compiler_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--tpu",
        metavar="KIND:LAYOUT",
        help="compile the training step with Google's compiler and tell whether it fits v5e:2x2, "
        "v6e:4x4, ...; needs the extra tpu-check and some minutes, but no TPU",
    )
    parser.add_argument(
        "--cache",
        metavar="DIR",
        help="folder of earlier compilations (default: ~/.cache/maskconver_tf)",
    )
    parser.add_argument(
        "--timeout",
        type=number_in("--timeout", 0, 100_000, such_as=60),
        default=60,
        metavar="MIN",
        help="longest time of one compilation (default: 60)",
    )
    parser.add_argument(
        "--no_search", action="store_true", help="do not search for the largest batch that fits"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="do not compile to machine code: the memory is known long before that",
    )


def run_preflight(args: argparse.Namespace) -> None:
    from maskconver_tf.config import configuration

    configuration.load(args.gin_file, [*run_options.settings(args), *args.gin])
    from maskconver_tf.config import roots  # takes seconds: report bad arguments before

    roots.preflight_run(
        args.num_classes,
        args.per_core_batch,
        args.tpu,
        args.cache,
        args.timeout,
        search=not args.no_search,
        to_code=not args.quick,
        measure=args.measure,
    )


# ---- train ---------------------------------------------------------------------------------------
def add_train_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "train",
        run_train,
        "train a model; the same command continues a run that stopped",
        "maskconver train --gin_file experiments/demo.gin --train_data data/train \\\n"
        "      --eval_data data/val --input_size 160,160 --total_steps 100 --model_dir runs/demo",
    )
    add_gin_file_option(parser)
    parser.add_argument(
        "--model_dir",
        required=True,
        type=folder_name("--model_dir", "runs/demo"),
        metavar="DIR",
        help="the run's folder",
    )
    run_options.add_run_options(parser)
    parser.add_argument(
        "--init_from",
        metavar="DIR",
        help="a new run starts from these weights: an earlier run, an export or a checkpoint",
    )
    parser.add_argument(
        "--heart",
        action="store_true",
        help="check the input: look at 8 training pictures, learn them by heart without "
        "augmentation (400 steps, or --total_steps), and tell broken input from a short training; "
        "status 1 if they were not learned. Use a --model_dir of its own",
    )
    add_gin_option(parser)


def run_train(args: argparse.Namespace) -> int:
    with stopping_on_sigterm():
        if args.heart:
            return _learn_by_heart(args)
        from maskconver_tf.config import configuration

        bindings = [*run_options.settings(args), *args.gin, *_start(args)]
        folder = local_or_remote_path(args.model_dir) if args.model_dir else None
        continued = folder / "config.gin" if folder else None
        configuration.load(args.gin_file, bindings, continued=continued)
        from maskconver_tf.config import roots  # takes seconds: report bad arguments before

        _leave_at_once()
        roots.train_run(args.model_dir)
        return 0


def _leave_at_once() -> None:
    """Ends the process of the command without deletion, see `process_end`.

    Until then it keeps its claim on the run's folder.
    """
    if process_end.leave_at_once():
        from maskconver_tf.training.run_files import run_lock

        run_lock.keep_until_exit()


_NOT_FOR_HEART = ("eval_data", "total_steps", "minutes")


def _learn_by_heart(args: argparse.Namespace) -> int:
    """Runs `train --heart`. It evaluates on the training pictures, whatever --eval_data says."""
    if args.minutes:
        raise UserError(
            f"--minutes {args.minutes:g}: --heart counts steps; give --total_steps instead"
        )
    from maskconver_tf.config.special_runs.heart import heart_run  # Takes seconds.

    names = [name for name in run_options.RUN_OPTIONS if name not in _NOT_FOR_HEART]
    bindings = [*run_options.settings(args, names), *args.gin, *_start(args)]
    _leave_at_once()
    return 0 if heart_run(args.model_dir, args.gin_file, bindings, args.total_steps) else 1


def _start(args: argparse.Namespace) -> list[str]:
    return [f"train.init_from={args.init_from!r}"] if args.init_from else []


@contextlib.contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Makes SIGTERM raise `RunStopped` in this context. It asks for another start.

    The training loop handles SIGTERM itself. This context covers the time before the loop, where
    there is nothing to save yet. Without it the first process of a container would ignore SIGTERM,
    and any other process would seem to have failed.
    """

    def stop(number: int, frame: Any) -> NoReturn:
        raise RunStopped(
            "stopped by SIGTERM; nothing was saved. Run the same command again: it continues from "
            "the last checkpoint, or from the start if there is none"
        )

    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread may handle signals.
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
