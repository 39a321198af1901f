"""The command that answers requests with a model: `maskconver serve`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maskconver_tf.cli.arguments import (
    add_command,
    add_gin_option,
    add_model_option,
    number_in,
)
from maskconver_tf.cli.shipping.export import batch_sizes
from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import parse_max_pixels

_EPILOG = """\
addresses:
  POST /segment                          a picture file; Accept chooses JSON, PNG or a drawing
  POST /v1/models/maskconver:predict     as TensorFlow Serving
  POST /v2/models/maskconver/infer       Open Inference Protocol v2, as KServe and Triton
  GET  /                                 a page to try the model in a browser
  GET  /openapi.json, /model, /metrics, /v2/health/ready
docs/serving.md tells more."""

_COUNTS = {
    "versions": (1, 64, "the newest versions that are served at the same time"),
    "threads": (1, 64, "batches that the model computes at the same time"),
    "queue": (64, 100_000, "most pictures that wait; more get status 429"),
    "max_body_mb": (32, 1024, "most megabytes of a request"),
}
"""Option -> default, largest value, help."""
_MAX_PIXELS = 25_000_000
_SECONDS = {
    "request_seconds": (60.0, 0.1, 3600, "time to answer a request"),
    "poll_seconds": (2.0, 0.1, 3600, "time between two looks for new versions"),
    "stop_seconds": (20.0, 0.1, 3600, "time to finish accepted requests after SIGTERM"),
}


def add_serve_command(commands: Any) -> None:
    parser = add_command(
        commands,
        "serve",
        run_serve,
        "answer requests with a model: REST, Open Inference Protocol, and a page to try it",
        "maskconver serve --model exported --port 8501",
        _EPILOG,
    )
    add_model_option(parser, "a folder that `maskconver export` wrote, or a run's --model_dir")
    _add_address_options(parser)
    for name, (default, most, what) in _COUNTS.items():
        parser.add_argument(
            f"--{name}",
            type=count_to(f"--{name}", most),
            default=default,
            metavar="N",
            help=f"{what} (default: {default})",
        )
    for name, (default, least, most, what) in _SECONDS.items():
        parser.add_argument(
            f"--{name}",
            type=number_in(f"--{name}", least, most, such_as=default),
            default=default,
            metavar="S",
            help=f"{what} (default: {default:g})",
        )
    _add_batch_options(parser)
    parser.add_argument("--no_access_log", action="store_true", help="write no line per request")
    add_gin_option(parser, "PanopticFusion.score_threshold=0.5")


def _add_address_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="address to listen on; 0.0.0.0 for all networks (default: 127.0.0.1, this machine)",
    )
    parser.add_argument(
        "--port", type=port, default=8501, metavar="N", help="0 for a free one (default: 8501)"
    )
    parser.add_argument(
        "--name",
        default="maskconver",
        metavar="NAME",
        help="name of the model in addresses (default: maskconver)",
    )
    parser.add_argument(
        "--token_file",
        metavar="FILE",
        help="file with a secret; clients must send it as Authorization: Bearer SECRET",
    )
    parser.add_argument(
        "--label",
        type=label,
        action="append",
        default=[],
        metavar="NAME=N",
        help="serve version N under a label, too; may be repeated",
    )
    parser.add_argument(
        "--cors_origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let pages of this origin call the server, such as https://example.org",
    )


def _add_batch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--batch_sizes",
        type=batch_sizes,
        metavar="N,N,...",
        help="numbers of pictures that run as one batch; with 1 alone the answers are those of "
        "`predict` to the last pixel (default: those of the export, of a run 1)",
    )
    parser.add_argument(
        "--batch_ms",
        type=number_in("--batch_ms", 0, 10_000, such_as=5),
        default=5.0,
        metavar="MS",
        help="milliseconds that a picture waits for others (default: 5)",
    )
    parser.add_argument(
        "--max_pixels",
        type=parse_max_pixels,
        default=_MAX_PIXELS,
        metavar="N",
        help="most pixels of a picture; the export has a limit of its own, too "
        f"(default: {_MAX_PIXELS})",
    )


def count_to(option: str, most: int) -> Callable[[str], int]:
    """Parses an option that takes a whole number from 1 to `most`."""

    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else 0
        if not 1 <= number <= most:
            raise UserError(
                f"{option} {text}: expected a whole number from 1 to {most}, such as {option} 8"
            )
        return number

    return parse


def port(text: str) -> int:
    """Parses `--port`."""
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or int(text) > 65535:
        raise UserError(f"--port {text}: expected a whole number from 0 to 65535, such as 8501")
    return int(text)


def label(text: str) -> tuple[str, int]:
    """Parses `--label`."""
    match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})=([0-9]{1,18})", text, re.ASCII)
    if not match:
        raise UserError(f"--label {text}: expected NAME=VERSION, such as stable=1")
    return match[1], int(match[2])


def read_token(file: str | None) -> str | None:
    """Reads the secret of `--token_file`; None without a file.

    Raises:
      UserError: the file cannot be read, or holds no secret of 16 or more visible ASCII characters.
    """
    if file is None:
        return None
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UserError(
            f"--token_file {file}: cannot be read ({reason}); give a text file with the secret"
        ) from None
    if not re.fullmatch(r"[!-~]{16,512}", token):
        raise UserError(
            f"--token_file {file}: found {len(token)} characters that are no secret; expected one "
            "line of 16 to 512 visible ASCII characters; write it with `openssl rand -hex 32`"
        )
    return token


def run_serve(args: argparse.Namespace) -> None:
    token = read_token(args.token_file)
    try:
        from maskconver_tf.serving.serve import serve_model
        from maskconver_tf.serving.settings import Limits, ServerSettings
    except ModuleNotFoundError as error:
        raise UserError(
            f"maskconver serve needs the package {error.name}, which is not installed; install it "
            "with: pip install 'maskconver_tf[serve]'"
        ) from None
    limits = Limits(
        max_body_bytes=args.max_body_mb * 2**20,
        max_bodies_bytes=8 * args.max_body_mb * 2**20,
        max_pixels=args.max_pixels,
        queue_pictures=args.queue,
        request_seconds=args.request_seconds,
        stop_seconds=args.stop_seconds,
    )
    settings = ServerSettings(
        host=args.host,
        port=args.port,
        name=args.name,
        token=token,
        num_versions=args.versions,
        labels=dict(args.label),
        batch_sizes=tuple(sorted({1, *args.batch_sizes})) if args.batch_sizes else None,
        batch_seconds=args.batch_ms / 1000,
        threads=args.threads,
        poll_seconds=args.poll_seconds,
        access_log=not args.no_access_log,
        cors_origins=tuple(args.cors_origin),
        limits=limits,
    )
    serve_model(args.model, settings, _export_run, args.gin)


def _export_run(model_dir: str, out: str, gin: list[str]) -> None:
    """Exports a run into a folder, for the server alone."""
    from maskconver_tf.config import roots

    segmenter = roots.load_run(model_dir, gin)
    from maskconver_tf.export.saved_model import export_saved_model
    from maskconver_tf.export.served_model.options import ExportOptions

    export_saved_model(segmenter, out, ExportOptions())
