"""Runs the application on a socket until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from maskconver_tf.errors import UserError
from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.versions.version_keeper import Load, VersionKeeper
from maskconver_tf.serving.web.app import make_app
from maskconver_tf.serving.web.connections.connection import connection_class
from maskconver_tf.serving.web.metrics import Metrics
from maskconver_tf.serving.web.service import ModelService

_BACKLOG = 1024
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ModelServer:
    """A server for one export.

    Args:
      folder: an export's folder, or one version.
      settings: choices of the user.
      load: loads a version and warms it up.

    Raises:
      UserError: no version can be loaded, or the address cannot be used.
    """

    def __init__(self, folder: Path, settings: ServerSettings, load: Load):
        self._settings = settings
        self._socket = _listen(settings)
        try:
            self._service = _make_service(folder, settings, load)
        except BaseException:
            self._socket.close()
            raise
        self._server = _QuietServer(_config(self._service, settings))
        self._socket.listen(_BACKLOG)

    @property
    def url(self) -> str:
        """Address of the server, such as "http://127.0.0.1:8501"."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> None:
        """Answers requests until SIGTERM or SIGINT; then finishes those that it accepted."""
        asyncio.run(self._run())
        self._service.stop()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in _SIGNALS:  # Only the main thread may do so.
                loop.add_signal_handler(number, self.stop)
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Makes `run` end; may be called from any thread."""
        self._service.is_stopping = True
        self._server.should_exit = True

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Runs the server in a thread while the block runs; gives its address."""
        thread = threading.Thread(target=self.run, name="server", daemon=True)
        thread.start()
        try:
            yield self.url
        finally:
            self.stop()
            thread.join()


class _QuietServer(uvicorn.Server):
    """uvicorn's server without its handling of signals, which ends the process by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _make_service(folder: Path, settings: ServerSettings, load: Load) -> ModelService:
    metrics = Metrics()
    keeper = VersionKeeper(
        folder,
        settings.num_versions,
        settings.labels,
        load,
        settings.poll_seconds,
        metrics.versions,
    )
    keeper.start()
    return ModelService(settings, keeper, metrics)


def _config(service: ModelService, settings: ServerSettings) -> uvicorn.Config:
    limits = settings.limits
    return uvicorn.Config(
        make_app(service),
        http=connection_class(limits, service.metrics.refused),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=limits.max_header_bytes,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=limits.stop_seconds,
    )


def _listen(settings: ServerSettings) -> socket.socket:
    """Binds the address; listening starts when the model is in memory."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
    except OSError as error:
        found.close()
        raise UserError(
            f"--host {settings.host} --port {settings.port}: this address cannot be used "
            f"({error.strerror or error}); choose another --port, or --port 0 for a free one"
        ) from None
    return found
