"""Raw HTTP on a socket, for requests that no library would send."""

from __future__ import annotations

import contextlib
import socket
import urllib.parse


def connect(running) -> socket.socket:
    address = urllib.parse.urlsplit(running.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def read_all(sock: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def read_until(sock: socket.socket, end: bytes) -> None:
    """Reads up to the end of a JSON answer that has the key `end`."""
    raw = b""
    while end not in raw or not raw.endswith(b"}"):
        raw += sock.recv(65536)


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


def head_of(method="POST", path="/segment", **headers) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
