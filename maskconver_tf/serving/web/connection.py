"""A connection of uvicorn with a time for headers, a limit of connections, and JSON errors."""

from __future__ import annotations

import asyncio
import json
import time
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from maskconver_tf.serving.settings import Limits

_GRACE = 1.0
"""A younger connection is not closed to make room for a new one."""


class LimitedConnection(H11Protocol):
    """A connection with limits.

    uvicorn waits for a request's line and headers as long as the client likes. Here a connection
    has `header_seconds` for them. If all `max_connections` are open, a new connection takes the
    place of the one that has waited longest without a whole request; if all others are being
    answered, the new one is refused.
    """

    limits: ClassVar[Limits]

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.waits_since: float | None = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._start_timer(self.limits.header_seconds)
        if len(self.connections) > self.limits.max_connections and not self._make_room():
            self._refuse(503, "The server has too many connections; try again", retry=True)

    def handle_events(self) -> None:
        super().handle_events()
        self._note_state()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_state()
        self._watch_reader(0)

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(error)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is no valid HTTP request, or its headers are too long")

    def _note_state(self) -> None:
        """Starts and ends the times in which the client must finish what it began."""
        theirs, ours = self.conn.their_state, self.conn.our_state
        if theirs is h11.IDLE and self.conn.trailing_data[0]:
            self._start_timer(self.limits.header_seconds)  # The next request has begun.
        elif theirs is h11.SEND_BODY and ours is h11.DONE:
            self._start_timer(self.limits.body_seconds)  # It sends a body that was refused.
        elif theirs is not h11.IDLE:
            self._stop_timer()
        if theirs not in (h11.IDLE, h11.SEND_BODY):
            self.waits_since = None
        elif self.waits_since is None:
            self.waits_since = time.monotonic()

    def _watch_reader(self, before: int) -> None:
        """Aborts the connection if the client takes no part of the answer for `send_seconds`."""
        left = self.transport.get_write_buffer_size()
        if left and left == before:
            self.transport.abort()
        elif left:
            self.loop.call_later(self.limits.send_seconds, self._watch_reader, left)

    def _start_timer(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.conn.our_state is h11.IDLE:
            self._refuse(408, "The request's headers did not come in time")
        else:
            self.transport.close()

    def _make_room(self) -> bool:
        """Closes the connection that waits longest; returns whether there was one."""
        now = time.monotonic()
        waiting = [
            (other.waits_since, id(other), other)
            for other in self.connections
            if other is not self and getattr(other, "waits_since", None) is not None
        ]
        waiting = [found for found in waiting if now - found[0] > _GRACE]
        if not waiting:
            return False
        min(waiting)[2].transport.abort()
        return True

    def _refuse(self, status: int, sentence: str, retry: bool = False) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"error": sentence}).encode()
        headers = [("content-type", "application/json"), ("connection", "close")]
        headers += [("content-length", str(len(body)))] + [("retry-after", "1")] * retry
        try:
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        except h11.LocalProtocolError:  # An answer is already on its way.
            pass
        self.transport.close()


def connection_class(limits: Limits) -> type[LimitedConnection]:
    """Makes the class of a server's connections."""
    return type("Connection", (LimitedConnection,), {"limits": limits})
