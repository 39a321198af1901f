"""What a user chooses for a server, and the limits that keep it alive."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re

from maskconver_tf.errors import UserError
from maskconver_tf.setting_checks import check_numbers, check_whole_numbers

MAX_PIXELS = 25_000_000
MAX_BODY_MB = 32


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one request, one client and all clients together may take.

    Attributes:
      max_body_bytes: most bytes of a request's body.
      max_bodies_bytes: most bytes of all bodies that the server holds at a time.
      max_header_bytes: most bytes of a request's line and headers.
      max_pixels: most pixels of a picture; the export may have a lower limit.
      max_numbers: most numbers of a JSON request or answer.
      max_pictures: most pictures of one request.
      queue_pictures: most pictures that wait for the model; more get status 429.
      max_connections: most open connections.
      header_seconds: time for the request's line and headers.
      body_seconds: time for the body.
      request_seconds: time from the end of the body to the answer; a client may ask for less.
      send_seconds: time for a client to take the next part of the answer.
      idle_seconds: time that a connection may stay open between two requests.
      stop_seconds: time to finish accepted requests after SIGTERM.
    """

    max_body_bytes: int = MAX_BODY_MB * 2**20
    max_bodies_bytes: int = 8 * MAX_BODY_MB * 2**20
    max_header_bytes: int = 16 * 2**10
    max_pixels: int = MAX_PIXELS
    max_numbers: int = 2_000_000
    max_pictures: int = 64
    queue_pictures: int = 64
    max_connections: int = 256
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    request_seconds: float = 60.0
    send_seconds: float = 30.0
    idle_seconds: float = 15.0
    stop_seconds: float = 20.0

    def __post_init__(self):
        values = dataclasses.asdict(self)
        seconds = {name: value for name, value in values.items() if name.endswith("_seconds")}
        counts = {name: value for name, value in values.items() if name not in seconds}
        check_numbers("Limits", 0.01, 3600, **seconds)
        check_whole_numbers("Limits", 1, 2**40, **counts)


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """Choices for a server.

    Attributes:
      host: address to listen on.
      port: 0..65535; 0 takes a free one.
      name: name of the model in addresses.
      token: secret that clients send as `Authorization: Bearer TOKEN`; None for no secret.
      num_versions: the newest versions that are served at the same time.
      labels: label -> version; a labelled version stays loaded while its folder exists.
      batch_sizes: numbers of pictures that run as one batch, 1 among them; None for those that each
        version was exported for.
      batch_seconds: time that a picture waits for others, if the model is idle.
      threads: batches that the model computes at the same time.
      poll_seconds: time between two looks for new versions.
      access_log: write a line for each request.
      cors_origins: origins of pages, such as "https://example.org", that may call the server.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    name: str = "maskconver"
    token: str | None = None
    num_versions: int = 1
    labels: dict[str, int] = dataclasses.field(default_factory=dict)
    batch_sizes: tuple[int, ...] | None = None
    batch_seconds: float = 0.005
    threads: int = 1
    poll_seconds: float = 2.0
    access_log: bool = True
    cors_origins: tuple[str, ...] = ()
    limits: Limits = Limits()

    def __post_init__(self):
        check_whole_numbers("ServerSettings", 0, 65535, port=self.port)
        check_whole_numbers(
            "ServerSettings", 1, 64, num_versions=self.num_versions, threads=self.threads
        )
        check_numbers("ServerSettings", 0, 10, batch_seconds=self.batch_seconds)
        check_numbers("ServerSettings", 0.01, 3600, poll_seconds=self.poll_seconds)
        for name in (self.name, *self.labels):
            check_name(name)
        for origin in self.cors_origins:
            check_origin(origin)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
"""A model's name or a label: it stands in addresses."""


def check_name(name: str) -> str:
    """Returns a model's name or a label; raises `UserError` for one that no address can hold."""
    if not NAME.fullmatch(name):
        raise UserError(
            f"--name or --label {name!r}: found characters that an address cannot hold; expected "
            "up to 64 letters, digits, dots, dashes and underscores, such as maskconver"
        )
    return name


_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def check_origin(origin: str) -> None:
    """Raises `UserError` for a text that no browser sends as the origin of a page."""
    default = ":443" if origin.startswith("https:") else ":80"
    if not _ORIGIN.fullmatch(origin) or origin.endswith(default):
        raise UserError(
            f"--cors_origin {origin!r}: expected the origin of a page as browsers send it, in "
            "small letters, without a path and the usual port, such as https://example.org"
        )


OPEN_ADDRESSES = ("/v2/health/live", "/v2/health/ready", "/openapi.json")
"""They need no token, so that probes and programs find their way. The page needs none either."""


def package_version() -> str:
    """The version of maskconver_tf."""
    return importlib.metadata.version("maskconver_tf")
