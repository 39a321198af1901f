"""Ends connections so that a client that is still sending can read its answer."""

from __future__ import annotations

import asyncio
from typing import Any

PAUSE = 5.0
"""Seconds without data after which a lingering connection ends."""


class LingeringTransport:
    """A transport that can end in two steps.

    If a socket is closed while data comes, the operating system resets the connection, and the
    reset can overtake the answer: the client sees a lost connection. So `linger` sends what is
    written and the end of the stream, and the connection throws away what still comes. It ends when
    the client closes it, after `PAUSE` seconds without data, or after `longest` seconds (RFC 9112,
    section 9.6).

    Args:
      transport: all other calls go to it.
      loop: the event loop of the transport.
      longest: see above.

    Attributes:
      lingers: whether `linger` was called.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, longest: float
    ):
        self._transport = transport
        self._loop = loop
        self._longest = longest
        self._timer: asyncio.TimerHandle | None = None
        self._end = 0.0
        self.lingers = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Closes the transport, but not one that lingers: it ends by itself."""
        if not self.lingers:
            self._transport.close()

    def linger(self) -> None:
        if self.is_closing():
            return
        self.lingers = True
        self._end = self._loop.time() + self._longest
        try:
            self._transport.write_eof()
        except OSError:  # The client has left.
            self._transport.abort()
            return
        self._transport.resume_reading()
        self.discard()

    def discard(self) -> None:
        """Notes that data came, which the caller throws away."""
        self.forget()
        left = self._end - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(PAUSE, left), self._transport.close)
        else:
            self._transport.close()

    def forget(self) -> None:
        """Stops the time; for a connection that has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Ends the connection now, also if it lingers."""
        self.forget()
        self._transport.close()
