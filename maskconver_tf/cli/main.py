"""The `maskconver` command.

One function adds a command's arguments and one small function runs it. Whatever needs TensorFlow or
NumPy is imported by the second, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from maskconver_tf import __version__
from maskconver_tf.datasets.sources.options import DEFAULT_SOURCE, OPTIONS, describe_sources
from maskconver_tf.errors import RunStopped, UserError

_GIN_PREFIX = "--gin."

_FLOW = """\
from nothing to a prediction:
  maskconver data synth --out scenes
  maskconver data check --out report scenes
  maskconver data build --images scenes/images/train --panoptic scenes/panoptic/train \\
      --annotations scenes/panoptic_train.json --out data/train
  (and the same with val for data/val)
  maskconver data show --gin_file experiments/demo.gin --out inputs.png
  maskconver preflight --gin_file experiments/demo.gin
  maskconver train --gin_file experiments/demo.gin --model_dir runs/demo
  maskconver evaluate --model runs/demo
  maskconver predict --model runs/demo photo.jpg --out pictures
  maskconver export --model runs/demo --out exported

maskconver COMMAND --help tells more. Dashes and underscores in options are the same.
"""


def run() -> NoReturn:
    """What the installed command calls."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # Names may be in any script.
    sys.exit(main())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 2 for what the user can put right, 130 for ^C, 75
    for a run that was stopped and asks to be started again."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if "--debug" not in argv:
        # Read when TensorFlow is imported. Below 3 it reports each GPU that a machine has not.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return _run_command(argv)
    except UserError as error:
        if "--debug" in argv:
            traceback.print_exc()
        print(f"maskconver: error: {error}", file=sys.stderr)
        return 2
    except RunStopped as stop:
        print(f"maskconver: {stop}", file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        print("maskconver: interrupted", file=sys.stderr)
        return 130


# ---- Commands ------------------------------------------------------------------------------------
def _make_parser() -> _Parser:
    parser = _Parser(
        prog="maskconver",
        description="Panoptic segmentation with convolutions only: data, training and use.",
        epilog=_FLOW,
    )
    parser.add_argument("--version", action="version", version=f"maskconver {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error arose")
    parser.set_defaults(parser=parser, handler=None, takes_gin=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    data = commands.add_parser("data", help="make, check and build datasets")
    data.set_defaults(parser=data)
    data_commands = data.add_subparsers(title="commands", metavar="COMMAND")
    _add_synth(data_commands)
    _add_check(data_commands)
    _add_build(data_commands)
    _add_show(data_commands)
    _add_preflight(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_export(commands)
    _add_models(commands)
    return parser


def _add_synth(commands: Any) -> None:
    parser = _add_command(
        commands,
        "synth",
        _synth,
        "write the built-in dataset: generated scenes in COCO panoptic layout",
        "maskconver data synth --out scenes --num_train 1000 --num_val 100",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--num_train", type=int, default=1000, metavar="N", help="scenes in train")
    parser.add_argument("--num_val", type=int, default=100, metavar="N", help="scenes in val")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other scenes for another")
    _add_workers(parser)


def _synth(args: argparse.Namespace) -> None:
    from maskconver_tf.datasets.synthetic.writer import write_dataset

    written = write_dataset(args.out, args.num_train, args.num_val, args.seed, args.workers)
    print(f"{args.out}: {'written' if written else 'holds these scenes already'}")


def _add_build(commands: Any) -> None:
    parser = _add_command(
        commands,
        "build",
        _build,
        "turn a dataset into TFRecords, checked picture by picture",
        "maskconver data build --images coco/val2017 --panoptic coco/panoptic_val2017 \\\n"
        "      --annotations coco/panoptic_val2017.json --out data/coco_val",
        epilog=describe_sources(),
    )
    _add_source(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument(
        "--num_shards", type=int, metavar="N", help="TFRecord files (default: one per 256 pictures)"
    )
    _add_workers(parser)
    parser.add_argument(
        "--runner",
        nargs="?",
        const="DirectRunner",
        metavar="NAME",
        help="build on Apache Beam (extra beam): DirectRunner if no name follows, or "
        "DataflowRunner, FlinkRunner, SparkRunner, ...",
    )
    parser.add_argument(
        "--pipeline_option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of Beam or its runner: direct_num_workers=4, project=mine; may be given again",
    )
    parser.add_argument(
        "--skip_bad", action="store_true", help="leave bad pictures out and list them"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is in --out")


def _build(args: argparse.Namespace) -> None:
    given = {name: getattr(args, name) for name in OPTIONS}
    names = ("num_shards", "workers", "skip_bad", "overwrite")
    settings = {name: getattr(args, name) for name in names}
    if args.runner:
        from maskconver_tf.datasets.build.beam_build import build_on_beam

        summary = build_on_beam(
            args.source, given, args.out, args.runner, args.pipeline_option, **settings
        )
    elif args.pipeline_option:
        raise UserError("--pipeline_option: is of Apache Beam; give --runner as well")
    else:
        from maskconver_tf.datasets.build.build import build_from

        summary = build_from(args.source, given, args.out, **settings)
    print(summary)


def _add_check(commands: Any) -> None:
    parser = _add_command(
        commands,
        "check",
        _check,
        "tell what is in a dataset, what is wrong with it, and what a perfect model would score",
        "maskconver data check --out report coco --input_size 640,640 --input_size 1280,1280",
        epilog=_CHECK_NOTES + describe_sources(),
    )
    parser.add_argument(
        "dataset_folder",
        nargs="?",
        metavar="DIR",
        help="a dataset folder that was built, or a folder in COCO panoptic layout with all its "
        "parts; left out where --source options say where the dataset is",
    )
    parser.add_argument("--val", metavar="DIR", help="validation, a folder of the same kinds")
    parser.add_argument("--out", metavar="DIR", help="folder for check.html and check.json")
    parser.add_argument(
        "--input_size",
        action="append",
        type=_size,
        metavar="H,W",
        help="of the model, may be given again (default: 640,640)",
    )
    for name, default, what in (
        ("num_slots", 248, "segments a picture may have in training"),
        ("label_stride", 2, "input pixels per cell of the labels"),
        ("mask_stride", 4, "input pixels per cell of the masks"),
        ("ceiling_pictures", 200, "pictures of each part that PQ ceilings are from; 0: none"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default: {default})"
        )
    _add_workers(parser)
    _add_source(parser, with_val=True)


_CHECK_NOTES = """\
Of a source that is not built yet give --source and its options as to `data build`; an option with
val_ before its name is that of the validation part (--val_split val), the others stay the same.

"""


def _check(args: argparse.Namespace) -> None:
    from maskconver_tf.planning.dataset_check.command import check

    given = {name: getattr(args, name) for name in OPTIONS}
    val_given = {name: getattr(args, f"val_{name}") for name in OPTIONS}
    print(
        check(
            args.dataset_folder,
            args.val,
            args.source,
            given,
            val_given,
            args.out,
            input_sizes=args.input_size or [(640, 640)],
            num_slots=args.num_slots,
            label_stride=args.label_stride,
            mask_stride=args.mask_stride,
            ceiling_pictures=args.ceiling_pictures,
            workers=args.workers,
            make_fusion=_make_fusion,
        )
    )


def _make_fusion() -> Any:
    """Loads TensorFlow: only where a ceiling is asked for."""
    from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

    return PanopticFusion()


def _size(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(side) for side in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found {text}, expected height and width such as 640,640"
        ) from None


def _add_show(commands: Any) -> None:
    parser = _add_command(
        commands,
        "show",
        _show,
        "draw what a training would see: augmented pictures, masks, centers and their levels",
        "maskconver data show --gin_file experiments/demo.gin --out sheet.png",
    )
    _add_gin_file(parser)
    _add_gin(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="PNG file to write")
    parser.add_argument("--num", type=int, default=6, metavar="N", help="pictures (default: 6)")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of order and augmentation (default: the training's)"
    )


def _show(args: argparse.Namespace) -> None:
    from maskconver_tf.config import configuration, roots

    configuration.load(args.gin_file, args.gin)
    roots.show_run_inputs(args.out, args.num, args.seed)
    print(f"{args.out}: written")


def _add_preflight(commands: Any) -> None:
    parser = _add_command(
        commands,
        "preflight",
        _preflight,
        "tell what a training will need: size, cost, memory, and whether it fits a TPU",
        "maskconver preflight --gin_file experiments/demo.gin --num_classes 133 \\\n"
        "      --tpu v5e:2x2 --per_core_batch 8",
    )
    _add_gin_file(parser)
    _add_gin(parser)
    parser.add_argument(
        "--num_classes", type=int, metavar="N", help="in place of the dataset's; needs no data"
    )
    parser.add_argument(
        "--per_core_batch",
        type=int,
        metavar="N",
        help="pictures per core (default: TrainingInput.batch_size over the cores of --tpu)",
    )
    parser.add_argument(
        "--tpu",
        metavar="KIND:LAYOUT",
        help="ask Google's compiler whether the step fits, for v5e:2x2, v6e:4x4, ..., and compile "
        "it; needs the extra tpu-check, no TPU, and minutes",
    )
    parser.add_argument(
        "--cache", metavar="DIR", help="of earlier compilations (default: ~/.cache/maskconver_tf)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60, metavar="MIN", help="of one question (default: 60)"
    )
    parser.add_argument(
        "--no_search", action="store_true", help="do not look for the largest batch that fits"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="do not compile into code: the memory is known long before",
    )


def _preflight(args: argparse.Namespace) -> None:
    if args.per_core_batch is not None and args.per_core_batch < 1:
        raise UserError(f"--per_core_batch {args.per_core_batch}: expected 1 or more")
    from maskconver_tf.config import configuration, roots

    configuration.load(args.gin_file, args.gin)

    roots.preflight_run(
        args.num_classes,
        args.per_core_batch,
        args.tpu,
        args.cache,
        args.timeout,
        search=not args.no_search,
        to_code=not args.quick,
    )


def _add_train(commands: Any) -> None:
    parser = _add_command(
        commands,
        "train",
        _train,
        "train a model; run again, it goes on where it stopped",
        "maskconver train --gin_file experiments/demo.gin --model_dir runs/demo \\\n"
        "      --gin.train.total_steps=100",
    )
    _add_gin_file(parser)
    _add_gin(parser)
    parser.add_argument("--model_dir", required=True, metavar="DIR", help="the run's folder")
    parser.add_argument(
        "--init_from",
        metavar="DIR",
        help="what a new run's weights start from: an earlier run, an export or a checkpoint",
    )


def _train(args: argparse.Namespace) -> None:
    with _asking_again_on_sigterm():
        from maskconver_tf.config import configuration, roots

        start = [f"train.init_from={args.init_from!r}"] if args.init_from else []
        configuration.load(args.gin_file, [*args.gin, *start])
        roots.train_run(args.model_dir)


@contextlib.contextmanager
def _asking_again_on_sigterm() -> Iterator[None]:
    """Within it SIGTERM asks for another start even where there is nothing to save yet.

    A container's first process would ignore it otherwise; elsewhere it would count as a failure.
    """

    def stop(number: int, frame: Any) -> NoReturn:
        raise RunStopped(
            "stopped by SIGTERM, without saving; the same command goes on from the last "
            "checkpoint, or begins"
        )

    if threading.current_thread() is not threading.main_thread():
        yield  # Signals are the main thread's.
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _add_evaluate(commands: Any) -> None:
    parser = _add_command(
        commands,
        "evaluate",
        _evaluate,
        "score a trained model: PQ, SQ and RQ, and COCO-format results; mIoU or accuracy",
        "maskconver evaluate --model runs/demo --data data/val --out runs/demo/val",
    )
    _add_model(parser)
    parser.add_argument("--data", metavar="DIR", help="dataset folder (default: the run's own)")
    parser.add_argument("--out", metavar="DIR", help="folder for results (default: the run's)")
    _add_gin(parser)


def _evaluate(args: argparse.Namespace) -> None:
    from maskconver_tf.config import roots

    roots.evaluate_run(args.model, args.data, args.out or args.model, args.gin)


def _add_predict(commands: Any) -> None:
    parser = _add_command(
        commands,
        "predict",
        _predict,
        "segment pictures: masks in color, a list of segments, an id map",
        "maskconver predict --model runs/demo street.jpg beach.jpg --out pictures",
    )
    _add_model(parser, "a run's --model_dir, or what `maskconver export` wrote")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures to segment")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--score_threshold", type=float, metavar="X", help="0..1 (default: the run's own)"
    )


def _predict(args: argparse.Namespace) -> None:
    import maskconver_tf
    from maskconver_tf.inference.predict_files import check_pictures_exist, predict_files

    check_pictures_exist(args.images)  # Before TensorFlow takes its time.
    predictor = maskconver_tf.load(args.model, args.score_threshold)
    predict_files(predictor, args.images, args.out)


def _add_export(commands: Any) -> None:
    parser = _add_command(
        commands,
        "export",
        _export,
        "write a SavedModel for TensorFlow Serving",
        "maskconver export --model runs/demo --out exported",
    )
    _add_model(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of numbered versions")
    _add_gin(parser)


def _export(args: argparse.Namespace) -> None:
    from maskconver_tf.config import roots

    segmenter = roots.load_run(args.model, args.gin)
    from maskconver_tf.export.saved_model import export_saved_model

    print(f"{export_saved_model(segmenter, args.out)}: exported; TensorFlow Serving watches {args.out}")


def _add_models(commands: Any) -> None:
    parser = _add_command(
        commands,
        "models",
        _models,
        "list the named models with input size, parameters and multiply-adds",
        "maskconver models --detail mobilenet_mh_640 --num_classes 19",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="models, or .gin files (default: all models)"
    )
    parser.add_argument(
        "--num_classes", type=int, default=133, metavar="N", help="classes (default: COCO's 133)"
    )
    parser.add_argument("--detail", action="store_true", help="every layer's share, one line each")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.add_argument("--markdown", metavar="FILE", help="write docs/model_zoo.md instead")
    parser.add_argument(
        "--names", dest="only_names", action="store_true", help="names alone, at once"
    )
    _add_gin(parser)


def _models(args: argparse.Namespace) -> None:
    from maskconver_tf.config import named_models

    if args.num_classes < 1:
        raise UserError(f"--num_classes {args.num_classes}: expected 1 or more")
    models = named_models.find_models(args.names)
    if args.only_names:
        print("\n".join(f"{model.name:24} {model.description}" for model in models))
        return
    if args.markdown:
        _check_page(args)
    from maskconver_tf.planning import model_zoo

    counted = named_models.count_models(models, args.num_classes, args.gin)
    if args.json:
        print(json.dumps([model_zoo.to_json(each, args.detail) for each in counted], indent=1))
    elif args.markdown:
        page = model_zoo.markdown(counted, named_models.count_published)
        Path(args.markdown).write_text(page, encoding="utf-8")
        print(f"{args.markdown}: written")
    else:
        print(model_zoo.table_head())
        for each in counted:
            print(model_zoo.table_row(each), flush=True)
            if args.detail:
                print(model_zoo.details(each))


def _check_page(args: argparse.Namespace) -> None:
    """Before the minutes that counting takes."""
    if args.names or args.gin or args.num_classes != 133:
        raise UserError(
            "--markdown writes the page of all models with COCO's 133 classes; leave out names, "
            "--num_classes and --gin"
        )
    if not Path(args.markdown).parent.is_dir():
        raise UserError(f"--markdown {args.markdown}: its folder is not there; make it first")


# ---- Parsing -------------------------------------------------------------------------------------
class _Parser(argparse.ArgumentParser):
    """Raises a `UserError` where argparse would exit, and remembers its options to suggest one."""

    def __init__(self, **kwargs: Any) -> None:
        self.options: list[str] = []
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def add_argument(self, *names: str, **kwargs: Any) -> argparse.Action:
        self.options += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **kwargs)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # First, since argparse would rather complain of the option that is missing in consequence.
        if self.get_default("handler"):
            for argument in args:
                name = argument.partition("=")[0]
                if name.startswith("--") and name not in ["--", *self.options]:
                    self.refuse(name)
        return super().parse_known_args(args, namespace)

    def refuse(self, argument: str) -> NoReturn:
        close = difflib.get_close_matches(argument, self.options, n=1)
        advice = f"did you mean {close[0]}?" if close else f"see {self.prog} --help"
        raise UserError(f"unknown argument {argument}; {advice}")

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def _add_command(
    commands: Any,
    name: str,
    handler: Callable[[argparse.Namespace], None],
    summary: str,
    example: str,
    epilog: str = "",
) -> _Parser:
    epilog = f"{epilog}\n\nexample:\n  {example}".lstrip()
    parser = commands.add_parser(name, help=summary, description=summary, epilog=epilog)
    parser.set_defaults(parser=parser, handler=handler)
    # Suppressed, so as not to undo one given before the command.
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error arose"
    )
    return parser


def _add_model(parser: _Parser, what: str = "--model_dir of the training") -> None:
    parser.add_argument("--model", required=True, metavar="DIR", help=what)


def _add_gin_file(parser: _Parser) -> None:
    parser.add_argument(
        "--gin_file",
        action="append",
        required=True,
        metavar="FILE",
        help="experiment; given again, the later one overrides",
    )


def _add_gin(parser: _Parser) -> None:
    parser.set_defaults(takes_gin=True)
    parser.add_argument(
        "--gin.NAME=VALUE",
        dest="gin",
        action="append",
        default=[],
        metavar="",
        help="override one setting: train.total_steps=9, or STEPS=9 for a macro",
    )


def _add_source(parser: _Parser, with_val: bool = False) -> None:
    parser.add_argument(
        "--source",
        metavar="NAME",
        default=DEFAULT_SOURCE,
        help=f"layout of the dataset, one of those below (default: {DEFAULT_SOURCE})",
    )
    group = parser.add_argument_group("where the dataset is (which: see the sources below)")
    for name, (metavar, what) in OPTIONS.items():
        parser.options.append(f"--{name}")
        group.add_argument(f"--{name}", metavar=metavar, help=what)
        if with_val:
            parser.options.append(f"--val_{name}")
            group.add_argument(f"--val_{name}", help=argparse.SUPPRESS)


def _add_workers(parser: _Parser) -> None:
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one per CPU)")


def _run_command(argv: list[str]) -> int:
    gin = [argument for argument in argv if argument.startswith(_GIN_PREFIX)]
    others = [_with_underscores(argument) for argument in argv if argument not in gin]
    args, unknown = _make_parser().parse_known_args(others)
    if gin and not args.takes_gin:
        raise UserError(f"{gin[0]}: this command takes no {_GIN_PREFIX}NAME=VALUE")
    for argument in gin:
        if "=" not in argument:
            raise UserError(f"{argument}: expected {_GIN_PREFIX}NAME=VALUE, with = and no space")
    if unknown:
        args.parser.refuse(unknown[0])
    if args.handler is None:
        args.parser.print_help(sys.stderr)
        return 2
    args.gin = [argument.removeprefix(_GIN_PREFIX) for argument in gin]
    args.handler(args)
    return 0


def _with_underscores(argument: str) -> str:
    """`--skip-bad` is `--skip_bad`."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"
