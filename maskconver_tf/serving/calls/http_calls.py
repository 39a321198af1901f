"""Sends HTTP requests on connections that stay open, with a time limit for the whole exchange."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
import urllib.parse
from typing import Any

from maskconver_tf.errors import UserError
from maskconver_tf.serving.calls.failures import DeadlineExceeded, RequestFailed, TryAgain

_PIECE = 1 << 16
_BUSY = (429, 503)


class HttpCalls:
    """Sends requests to one server; each thread has its own connection.

    Args:
      url: address of the server, such as "http://127.0.0.1:8501"; a path is put before all others.
      headers: headers of every request.

    Raises:
      UserError: the address is not http or https.
    """

    def __init__(self, url: str, headers: dict[str, str] | None = None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(
                f"url {url!r}: expected the address of a server, such as http://127.0.0.1:8501"
            )
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._is_secure = parts.scheme == "https"
        self._headers = dict(headers or {})
        self._local = threading.local()

    def attempt(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], seconds: float
    ) -> tuple[http.client.HTTPMessage, bytes]:
        """Sends a request once.

        Returns:
          Headers and body of an answer with status 200.

        Raises:
          TryAgain: status 429 or 503, or the connection was lost.
          DeadlineExceeded: the answer is not complete after `seconds`.
          RequestFailed: any other status.
        """
        end = time.monotonic() + seconds
        try:
            response, content = self._exchange(method, path, body, self._headers | headers, end)
        except TimeoutError:
            self.close()
            raise DeadlineExceeded(
                f"{self.url}: no answer within {seconds:.3g} s; give more deadline_seconds"
            ) from None
        except (ConnectionError, http.client.HTTPException) as error:
            self.close()
            lost = RequestFailed(
                f"{self.url}: the connection was lost ({error}); check that the server runs"
            )
            raise TryAgain(lost) from error
        except OSError as error:
            self.close()
            reason = error.strerror or error
            raise RequestFailed(
                f"{self.url}: cannot be reached ({reason}); check the address"
            ) from error
        if response.status == 200:
            return response.headers, content
        failure = RequestFailed(
            f"{self.url}: status {response.status}: {_sentence(content)}", response.status
        )
        if response.status in _BUSY:
            raise TryAgain(failure, _seconds(response.headers.get("Retry-After")))
        raise failure

    def close(self) -> None:
        """Closes this thread's connection; the next request opens another."""
        if connection := getattr(self._local, "connection", None):
            connection.close()
        self._local.connection = None

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], end: float
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self._connection(end)
        try:
            connection.request(method, self._base + path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            # A server may refuse a long body before it has read all of it: look for its answer.
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._read(connection, end)
            raise
        return self._read(connection, end)

    def _read(
        self, connection: http.client.HTTPConnection, end: float
    ) -> tuple[http.client.HTTPResponse, bytes]:
        _limit(connection, end)
        response = connection.getresponse()
        parts = []
        while True:
            _limit(connection, end)
            part = response.read(_PIECE)
            parts.append(part)
            if not part:
                break
        if response.length:  # Not all bytes that Content-Length promised have come.
            raise http.client.IncompleteRead(b"", response.length)
        if response.will_close:
            self.close()
        return response, b"".join(parts)

    def _connection(self, end: float) -> http.client.HTTPConnection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
            connection = kind(self._host, self._port, timeout=_left(end))
            self._local.connection = connection
        connection.timeout = _left(end)
        _limit(connection, end)
        return connection


def _limit(connection: http.client.HTTPConnection, end: float) -> None:
    """Gives the next operation of the socket the time that is left."""
    if connection.sock is not None:
        connection.sock.settimeout(_left(end))


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _seconds(text: str | None) -> float | None:
    """The number of `Retry-After`; None for a date or nothing."""
    return float(text) if text and text.strip().isdecimal() else None


def _sentence(content: bytes) -> str:
    """The error of an answer; of other servers the start of their text."""
    try:
        found: Any = json.loads(content)["error"]
        return str(found)
    except (ValueError, KeyError, TypeError):
        return content[:200].decode("utf-8", "replace").strip() or "no reason given"
