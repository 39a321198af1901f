"""The command that writes a trained model for servers: `maskconver export`."""

from __future__ import annotations

import argparse
import re
from typing import Any

from maskconver_tf.cli.arguments import (
    add_command,
    add_gin_option,
    add_model_option,
    folder_name,
)
from maskconver_tf.cli.shipping.litert import (
    LITERT_DEFAULTS,
    add_litert_options,
    run_litert_export,
)
from maskconver_tf.cli.shipping.runtime_options import (
    LITERT,
    RUNTIMES,
    SAVED_MODEL,
    choose_options,
)
from maskconver_tf.cli.threshold_options import add_threshold_options, thresholds_of
from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import (
    LARGEST_MAX_PIXELS,
    parse_max_pixels,
)

_MAX_PIXELS = 50_000_000
"""As `DEFAULT_MAX_PIXELS` of the decoding graph, whose module loads TensorFlow."""
_LARGEST_BATCH = 1024
_DEFAULTS = {
    "batch_sizes": (1,),
    "max_pixels": _MAX_PIXELS,
    "bfloat16": False,
    "xla": False,
    "model_only": False,
    "skip_measure": False,
}
"""Of the options that only `--to saved_model` takes. The parser gives None for those left out."""


def add_export_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "export",
        run_export,
        "write a SavedModel for TensorFlow Serving, or LiteRT files for phones",
        "maskconver export --model runs/demo --out exported --batch_sizes 1,8",
    )
    add_model_option(parser)
    parser.add_argument(
        "--out",
        required=True,
        type=folder_name("--out", "exported"),
        metavar="DIR",
        help="folder to write; for saved_model it gets numbered versions",
    )
    parser.add_argument(
        "--to",
        choices=RUNTIMES,
        default=SAVED_MODEL,
        metavar="RUNTIME",
        help=f"what to write, one of {', '.join(RUNTIMES)} (default: {SAVED_MODEL})",
    )
    parser.add_argument(
        "--batch_sizes",
        type=batch_sizes,
        metavar="N,N,...",
        help="for saved_model: pictures in a batch; for these numbers the server warms up, and "
        "they are measured (default: 1)",
    )
    parser.add_argument(
        "--max_pixels",
        type=parse_max_pixels,
        metavar="N",
        help="for saved_model: most pixels of an encoded picture; a larger one is refused from "
        "its header "
        f"(default: {_MAX_PIXELS}, at most {LARGEST_MAX_PIXELS})",
    )
    _add_switches(parser)
    add_litert_options(parser)
    add_threshold_options(parser)
    add_gin_option(parser, "PanopticFusion.score_threshold=0.5")


def _add_switches(parser: argparse.ArgumentParser) -> None:
    switches = {
        "--bfloat16": "compute the network in bfloat16",
        "--xla": "compile the network with XLA, once for each batch size",
        "--model_only": "write only the network, without decoding and fusion",
        "--skip_measure": "do not load and measure the export in a fresh process",
    }
    for name, what in switches.items():
        what = f"for saved_model: {what}"
        parser.add_argument(name, action="store_true", default=None, help=what)


def batch_sizes(text: str) -> tuple[int, ...]:
    """Parses `--batch_sizes`: whole numbers from 1 with commas between; sorted, each once."""
    if not re.fullmatch(r"\s*\d{1,6}\s*(,\s*\d{1,6}\s*)*", text):
        raise UserError(
            f"--batch_sizes {text}: expected whole numbers with commas between, such as 1,8"
        )
    sizes = sorted({int(part) for part in text.split(",")})
    if sizes[0] < 1 or sizes[-1] > _LARGEST_BATCH:
        raise UserError(
            f"--batch_sizes {text}: expected numbers from 1 to {_LARGEST_BATCH}, such as 1,8"
        )
    return tuple(sizes)


def run_export(args: argparse.Namespace) -> None:
    choose_options(args, {SAVED_MODEL: _DEFAULTS, LITERT: LITERT_DEFAULTS})
    if args.to == LITERT:
        run_litert_export(args)
        return
    from maskconver_tf.config import roots

    bindings = list(args.gin)
    if args.bfloat16:
        bindings.append("restore_segmenter.precision='mixed_bfloat16'")
    if args.xla:
        bindings.append("restore_segmenter.jit_compile=True")
    segmenter = roots.load_run(args.model, bindings, thresholds_of(args))
    from maskconver_tf.export.saved_model import export_saved_model
    from maskconver_tf.export.served_model.options import ExportOptions

    options = ExportOptions(
        args.max_pixels, args.batch_sizes, args.model_only, measure=not args.skip_measure
    )
    version = export_saved_model(segmenter, args.out, options, _origin(args.model))
    print(f"{version}: exported; TensorFlow Serving watches {args.out}")


def _origin(model_dir: str) -> Any:
    """Reads how the run was trained; a run of an earlier version may lack these files."""
    from maskconver_tf.export.served_model.options import Origin
    from maskconver_tf.files.json_file import read_json
    from maskconver_tf.files.paths import local_or_remote_path
    from maskconver_tf.training.run_files.provenance import git_revision
    from maskconver_tf.training.run_files.run_folder import RunFolder

    folder = RunFolder(local_or_remote_path(model_dir))
    training = None
    if folder.provenance.is_file():
        training = read_json(folder.provenance, "how the run was started")
    settings = folder.config.read_bytes().decode("utf-8", "replace")
    return Origin(git_revision(), training, settings)
