"""Reads the body of a request within the limits of size, time and memory."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import ClientDisconnect, Request

from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.settings import Limits
from maskconver_tf.serving.web.error_answers import CLIENT_GONE
from maskconver_tf.serving.web.metrics import Metrics, since

_CLOSE = {"Connection": "close"}


class BodyBudget:
    """The memory that all bodies together may take."""

    def __init__(self, most: int):
        self._most = most
        self._held = 0

    def take(self, count: int) -> None:
        """Takes `count` bytes; raises `Refusal` if too few are left."""
        if self._held + count > self._most:
            raise Refusal(503, "The server holds too many large requests; try again", "memory", 1.0)
        self._held += count

    def release(self, count: int) -> None:
        self._held -= count


async def read_body(
    request: Request, limits: Limits, budget: BodyBudget, metrics: Metrics
) -> bytes:
    """Reads a whole body.

    Raises:
      Refusal: 413 if it is too large, 408 if it comes too slowly, 503 if all bodies together take
        too much memory.
    """
    begin = time.monotonic()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.max_body_bytes:
                    most = limits.max_body_bytes
                    raise Refusal(413, f"The body is larger than {most} bytes", "body_size")
                budget.take(len(part))
                request.scope["maskconver.held"] = size
                parts.append(part)
    except TimeoutError:
        seconds = f"{limits.body_seconds:g}"
        raise Refusal(
            408, f"The body was not complete after {seconds} s", "slow_body", None, _CLOSE
        ) from None
    except ClientDisconnect:
        raise Refusal(CLIENT_GONE, "The client has left", "client_gone") from None
    metrics.stage("receive", since(begin))
    return b"".join(parts)
