"""What every request passes: its id, token, size check, log line, metrics and time to send.

It is the outermost layer and answers every error, so that no traceback leaves the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskconver_tf.serving.refusals import Refusal, stopping
from maskconver_tf.serving.settings import Limits, ServerSettings
from maskconver_tf.serving.web.bodies import BodyBudget
from maskconver_tf.serving.web.cross_origin import CrossOrigin
from maskconver_tf.serving.web.error_answers import (
    CLIENT_GONE,
    EVICTED,
    error_answer,
    internal_failure,
)
from maskconver_tf.serving.web.metrics import Metrics, since

_access_log = logging.getLogger("maskconver.access")
_log = logging.getLogger("maskconver.serve")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_MOST_DISCARDED = 256 * 2**20
_PAUSE = 2.0
"""Seconds without a byte after which a client no longer seems to send."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Gate:
    """An ASGI application around another.

    Args:
      app: the application that answers.
      settings: token and limits.
      metrics: counts every request.
      budget: memory of bodies; what a request holds is given back after its answer.
      open_paths: paths that need no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        metrics: Metrics,
        budget: BodyBudget,
        open_paths: Iterable[str],
    ):
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._budget = budget
        self._open_paths = frozenset(open_paths)
        self._cross_origin = CrossOrigin(settings.cors_origins)
        self._token = _digest(settings.token.encode()) if settings.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._settings.limits, self._cross_origin)
        self._metrics.begin()
        try:
            await self._answer(scope, exchange)
        finally:
            self._budget.release(scope.get("maskconver.held", 0))
            self._report(scope, exchange)

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        try:
            headers = Headers(scope=scope)
            self._check(scope, headers)
            app = self._cross_origin.preflight(scope["method"], headers) or self._app
            await app(scope, exchange.receive, exchange.send)
        except Refusal as refusal:
            await exchange.refuse(refusal, scope)
        except asyncio.CancelledError:  # The server ends, and its time for answers is over.
            exchange.forget_body()
            await exchange.refuse(stopping(), scope)
        except Exception as error:
            if exchange.is_lost:
                return
            _log.error("request %s failed", exchange.request_id, exc_info=error)
            await exchange.refuse(internal_failure(), scope)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Refuses what can be refused before the body is read."""
        size = sum(len(name) + len(value) for name, value in headers.raw)
        if (
            size + len(scope["path"]) + len(scope["query_string"])
            > self._settings.limits.max_header_bytes
        ):
            raise Refusal(431, "The address and headers are too long", "header_size")
        is_open = scope["path"] in self._open_paths
        self._cross_origin.check(scope["method"], headers, is_open)
        # A browser asks for permission (OPTIONS) without the token.
        is_open = is_open or scope["method"] == "OPTIONS"
        if self._token and not is_open and not self._has_token(headers):
            raise Refusal(
                401,
                "Send the server's token as 'Authorization: Bearer TOKEN'",
                "token",
                headers={"WWW-Authenticate": "Bearer"},
            )
        length = headers.get("content-length", "0")
        if (
            not length.isdecimal()
            or len(length) > 15
            or int(length) > self._settings.limits.max_body_bytes
        ):
            most = self._settings.limits.max_body_bytes
            raise Refusal(413, f"The body is larger than {most} bytes", "body_size")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "Send the body without a Content-Encoding", "content_encoding")

    def _has_token(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        # Digests have one length, so the time tells nothing about the token.
        is_equal = hmac.compare_digest(_digest(given.strip().encode("latin-1")), self._token)
        return is_equal and kind.lower() == "bearer"

    def _report(self, scope: Scope, exchange: _Exchange) -> None:
        route = scope.get("maskconver.route") or _route_of(scope)
        seconds = since(exchange.begin)
        status = CLIENT_GONE if exchange.is_lost else exchange.status
        reason = scope.get("maskconver.reason")
        if scope.get(EVICTED):  # The connection has counted this refusal.
            status, reason = 503, "connections"
        elif reason:
            self._metrics.refused(reason)
        self._metrics.answered(route, status, seconds)
        if self._settings.access_log:
            line = {
                "id": exchange.request_id,
                "method": scope["method"] if scope["method"] in _METHODS else "other",
                "route": route,
                "status": status,
                "ms": round(1000 * seconds, 1),
                "bytes": exchange.bytes_sent,
            }
            _access_log.info("%s", json.dumps(line | ({"reason": reason} if reason else {})))


class _Exchange:
    """One request and its answer: adds headers, counts bytes, and gives the client time to read.

    Before a refusal it takes what the client is still sending. Otherwise the connection would be
    closed with unread data, and the client would see a lost connection in place of the refusal.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        limits: Limits,
        cross_origin: CrossOrigin,
    ):
        headers = Headers(scope=scope)
        self._origin, self._cross_origin = headers.get("origin"), cross_origin
        given = headers.get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        self.begin = time.monotonic()
        self.status = 0
        self.bytes_sent = 0
        self.is_lost = False
        self._receive, self._send = receive, send
        self._limits = limits
        # A client that waits for "100 Continue" sends no body if it gets a refusal first.
        self._has_body = "expect" not in headers and (
            "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        )

    async def receive(self) -> Message:
        message = await self._receive()
        self._has_body = self._has_body and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            self._cross_origin.mark(self._origin, headers)
            if self.status >= 400:
                await self._discard_body()
        self.bytes_sent += len(message.get("body", b""))
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._send(message)
        except TimeoutError:
            self.is_lost = True
            raise

    def forget_body(self) -> None:
        """Waits for no more of the body."""
        self._has_body = False

    async def refuse(self, refusal: Refusal, scope: Scope) -> None:
        scope["maskconver.reason"] = refusal.reason
        if self.status == 0:
            await error_answer(refusal)(scope, self.receive, self.send)

    async def _discard_body(self) -> None:
        """Takes the rest of the body, as long as it comes without a pause."""
        size, end = 0, self.begin + self._limits.body_seconds
        with contextlib.suppress(TimeoutError):
            while self._has_body and size < _MOST_DISCARDED and time.monotonic() < end:
                async with asyncio.timeout(_PAUSE):
                    size += len((await self.receive()).get("body", b""))


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _route_of(scope: Scope) -> str:
    """The pattern of the address. The address itself may hold anything, so no log shows it."""
    route = scope.get("route")
    return getattr(route, "path", None) or "other"


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
