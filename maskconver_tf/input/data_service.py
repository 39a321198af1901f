"""Waits for the dispatcher of a `tf.data` service."""

from __future__ import annotations

import socket
import sys
import time

from maskconver_tf.errors import RunStopped, UserError

_SERVICE_PATIENCE = 60
"""Seconds to wait for a dispatcher that does not accept connections yet."""


def check_service(name: str, address: str) -> None:
    """Waits until the dispatcher accepts connections. Without this check `tf.data` waits forever.

    Args:
      name: the setting that has the address, for messages.
      address: such as "grpc://host:5050".

    Raises:
      UserError: the address is malformed.
      RunStopped: the dispatcher does not accept connections. A later start may succeed.
    """
    protocol, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if not protocol or not host or not port.isdecimal() or int(port) > 65535:
        raise UserError(
            f"{name} = {address!r}: expected the address of a running tf.data dispatcher, with "
            f"protocol, host and a port up to 65535, such as grpc://host:5050; set {name} so"
        )
    deadline = time.monotonic() + _SERVICE_PATIENCE
    while error := _connection_error(host.strip("[]"), int(port), deadline):
        if time.monotonic() > deadline:
            raise RunStopped(
                f"{name} = {address!r}: cannot connect to a tf.data dispatcher there ({error}); "
                "start the dispatcher or correct the address, then run the same command again"
            )
        print(f"{name} = {address!r}: {error}; waiting for the dispatcher", file=sys.stderr)
        time.sleep(min(5, _SERVICE_PATIENCE / 4))


def _connection_error(host: str, port: int, deadline: float) -> OSError | UnicodeError | None:
    """Tries to connect; returns the error, or None if the connection succeeds."""
    try:
        socket.create_connection((host, port), max(1.0, deadline - time.monotonic())).close()
    except (OSError, UnicodeError) as error:
        return error
    return None
