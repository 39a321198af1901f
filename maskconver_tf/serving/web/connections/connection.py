"""A connection of uvicorn with a time for headers, a limit of connections, and JSON errors."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from maskconver_tf.serving.settings import Limits
from maskconver_tf.serving.web.connections.lingering import LingeringTransport
from maskconver_tf.serving.web.error_answers import EVICTED

_GRACE = 1.0
"""A younger connection is not closed to make room for a new one."""
_MOST_LINGERING = 64
_TOO_MANY = "The server has too many connections; try again"


class LimitedConnection(H11Protocol):
    """A connection with limits.

    uvicorn waits for a request's line and headers as long as the client likes. Here a connection
    has `header_seconds` for them. If all `max_connections` are open, a new connection takes the
    place of the one that has waited longest without a whole request; if all others are being
    answered, the new one is refused. A client that has sent a part of a request gets an answer
    before its connection ends.
    """

    limits: ClassVar[Limits]
    on_refused: ClassVar[Callable[[str], None]]
    transport: LingeringTransport

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(_Transport(transport, self))
        self.waits_since: float | None = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._start_timer(self.limits.header_seconds)
        count = len(self.connections) - len(self._lingering())
        if count > self.limits.max_connections and not self._make_room():
            self._refuse(503, _TOO_MANY, "connections", retry=True)

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self.transport.discard()
        else:
            super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        self._note_state()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note_state()
        self._watch_reader(0)

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        self.transport.forget()
        super().connection_lost(error)

    def shutdown(self) -> None:
        if self.transport.lingers:
            self.transport.end()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        sentence = "This is no valid HTTP request, or its headers are too long"
        self._refuse(400, sentence, "bad_http")

    def is_sending(self) -> bool:
        """Whether the client is in the middle of a body."""
        return self.conn.their_state is h11.SEND_BODY

    def note_linger(self) -> None:
        """Ends the connection that lingers longest if there are too many."""
        self.waits_since = time.monotonic()
        lingering = self._lingering()
        if len(lingering) > _MOST_LINGERING:
            min(lingering, key=lambda other: other.waits_since or 0.0).transport.end()

    def _lingering(self) -> list[LimitedConnection]:
        return [other for other in self.connections if other.transport.lingers]

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
            self._refuse(408, "The request's headers did not come in time", "slow_headers")
        else:
            self.transport.end()

    # ---- Refusals --------------------------------------------------------------------------------
    def _make_room(self) -> bool:
        """Ends the connection that waits longest; returns whether there was one."""
        now = time.monotonic()
        waiting = [
            (other.waits_since, id(other), other)
            for other in self.connections
            if other is not self
            and not other.transport.is_closing()
            and getattr(other, "waits_since", None) is not None
        ]
        waiting = [found for found in waiting if now - found[0] > _GRACE]
        if not waiting:
            return False
        min(waiting)[2].give_place()
        return True

    def give_place(self) -> None:
        """Ends the connection for a newer one; tells the client if it has begun a request."""
        if self.conn.our_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.transport.close()
            return
        if self.conn.our_state is h11.SEND_RESPONSE:
            self.scope[EVICTED] = True
        self._refuse(503, _TOO_MANY, "connections", retry=True)
        if self.cycle is not None:  # The application must not answer, too.
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _refuse(self, status: int, sentence: str, reason: str, retry: bool = False) -> None:
        """Answers in place of the application, then ends the connection."""
        if self.transport.is_closing():
            return
        type(self).on_refused(reason)
        self._stop_timer()
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
        self.transport.linger()


class _Transport(LingeringTransport):
    """The transport that uvicorn sees: it lingers if uvicorn ends it while the client sends."""

    def __init__(self, transport: asyncio.Transport, connection: LimitedConnection):
        super().__init__(transport, connection.loop, connection.limits.body_seconds)
        self._connection = connection

    def close(self) -> None:
        if self._connection.is_sending():
            self.linger()
        else:
            super().close()

    def linger(self) -> None:
        if not self.is_closing():
            super().linger()
            self._connection.note_linger()


def connection_class(
    limits: Limits, on_refused: Callable[[str], None] = lambda reason: None
) -> type[LimitedConnection]:
    """Makes the class of a server's connections.

    Args:
      limits: see `Limits`.
      on_refused: called with the reason of a refusal that no application sees.
    """
    names = {"limits": limits, "on_refused": staticmethod(on_refused)}
    return type("Connection", (LimitedConnection,), names)
