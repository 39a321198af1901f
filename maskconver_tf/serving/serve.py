"""Serves an export, or a run, until the process is told to stop."""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from maskconver_tf.errors import UserError
from maskconver_tf.inference.model_folder import check_is_folder, is_run
from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.version_folder import check_has_versions, has_versions
from maskconver_tf.serving.versions.warm_up import warm_up
from maskconver_tf.serving.web.server import ModelServer

_LOOPBACK = ("127.0.0.1", "::1", "localhost")

ExportRun = Callable[[str, str, list[str]], None]
"""Exports the run of a folder into another folder, with Gin bindings."""


def serve_model(
    model: str, settings: ServerSettings, export_run: ExportRun, bindings: list[str]
) -> None:
    """Serves a model until SIGTERM or SIGINT.

    Args:
      model: an export's folder, one version of it, or a run's folder.
      settings: choices of the user.
      export_run: exports a run; an export needs none.
      bindings: Gin bindings for a run.

    Raises:
      UserError: the folder has no model, or the address cannot be used.
    """
    _start_logs()
    with _exported(model, export_run, bindings) as folder:
        print(f"{model}: loading the model and warming it up", flush=True)
        server = make_server(folder, settings)
        print(f"{model}: served at {server.url}; stop with Ctrl-C", flush=True)
        if settings.host not in _LOOPBACK and not settings.token:
            print(
                f"--host {settings.host}: everyone in this network can send pictures; give a "
                "--token_file to ask for a secret",
                file=sys.stderr,
                flush=True,
            )
        server.run()


def make_server(folder: Path, settings: ServerSettings) -> ModelServer:
    """Makes a server of an export; see `ModelServer`."""
    from maskconver_tf.serving.versions.load_version import load_model_version

    def load(version: Path, number: int) -> ModelVersion:
        found = load_model_version(version, number)
        warm_up(found, settings.batch_sizes or found.batch_sizes)
        return found

    return ModelServer(folder, settings, load)


@contextlib.contextmanager
def _exported(model: str, export_run: ExportRun, bindings: list[str]) -> Iterator[Path]:
    """The folder of the export; a run is exported into a temporary one."""
    folder = Path(model)
    check_is_folder(folder, "a folder that `maskconver export` wrote, or a run's --model_dir")
    if not is_run(folder) or has_versions(folder):
        check_has_versions(folder)
        if bindings:
            raise UserError(
                f"--gin.{bindings[0]}: found an export, whose settings are fixed; give the run's "
                "--model_dir, or export again with this setting"
            )
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="maskconver-serve-") as temporary:
        print(f"{model}: a run; it is exported first", flush=True)
        export_run(model, temporary, bindings)
        yield Path(temporary)


def _start_logs() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    for name in ("maskconver.serve", "maskconver.access"):
        log = logging.getLogger(name)
        log.setLevel(logging.INFO)
        log.addHandler(handler)
        log.propagate = False
