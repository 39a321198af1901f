"""Valid and hostile requests to a model server, for `serve_load.py`."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import sys
import time
import zlib
from collections.abc import Awaitable, Callable

import numpy as np
from PIL import Image

TOKEN = "benchmark-0123456789abcdef"
DROPPED = 0
"""Status of a request whose connection ended without an answer."""


class Target:
    """Sends requests, each on its own connection."""

    def __init__(self, url: str, token: str = TOKEN):
        host, port = url.removeprefix("http://").rsplit(":", 1)
        if host not in ("127.0.0.1", "[::1]", "localhost"):
            sys.exit(f"{url}: this benchmark only sends to this machine's loopback")
        self.host, self.port, self.token = host.strip("[]"), int(port), token

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        token: str | None = None,
        length: int | None = None,
        timeout: float = 100.0,
        **headers: str,
    ) -> tuple[int, bytes]:
        """Returns status and body of the answer; `length` announces another length of the body.

        Without an answer the status is `DROPPED`, and the body tells why.
        """
        size = len(body) if length is None else length
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            f"Authorization: Bearer {token or self.token}",
            f"Content-Length: {size}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        head = "\r\n".join([*lines, "", ""]).encode()
        begin = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(head, body, size)
        except TimeoutError:
            return DROPPED, f"this client ended the connection after {timeout:g} s".encode()
        except (OSError, ValueError, IndexError) as error:
            seconds = time.monotonic() - begin
            return DROPPED, f"{type(error).__name__} after {seconds:.1f} s".encode()

    async def _exchange(self, head: bytes, body: bytes, size: int) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(head + body)
            answer = asyncio.ensure_future(reader.read())
            sent = len(body)
            with contextlib.suppress(ConnectionError):
                while sent < size and not answer.done():  # The rest are zeros.
                    part = min(1 << 18, size - sent)
                    writer.write(bytes(part))
                    sent += part
                    await writer.drain()
            raw = await answer
        finally:
            writer.close()
        start, _, content = raw.partition(b"\r\n\r\n")
        return int(start.split(b" ", 2)[1]), content


Kind = Callable[[Target], Awaitable[tuple[int, bytes]]]


RARE = ("100 MB JSON", "many numbers")
"""Kinds that take this machine's time on the sending side, too."""


def hostile_kinds(good: bytes) -> dict[str, Kind]:
    """Name -> a request that the server must refuse."""
    picture = {"Accept": "image/png"}
    predict = "/v1/models/maskconver:predict"
    tricks = [
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/maskconver/versions/../../../../etc/passwd",
        "/v1/models/maskconver/labels/..%5c..%5c",
        "/v2/models/%00",
        "/segment?version=../../etc/passwd",
        "/page/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/shadow",
    ]

    def as_json(content: bytes) -> bytes:
        return json.dumps({"instances": [{"encoded_images": {"b64": content.decode()}}]}).encode()

    return {
        "truncated": lambda t: t.send("POST", "/segment", good[: len(good) // 2], **picture),
        "bomb": lambda t: t.send("POST", "/segment", bomb(), **picture),
        "wrong type": lambda t: t.send("POST", "/segment", b"no picture " * 100),
        "empty": lambda t: t.send("POST", "/segment"),
        "bad base64": lambda t: t.send("POST", predict, as_json(b"!" * 1000)),
        "deep JSON": lambda t: t.send("POST", predict, b"[" * 50_000),
        "many numbers": lambda t: t.send("POST", predict, b"[" + b"0," * 4_000_000 + b"0]"),
        "100 MB JSON": lambda t: t.send("POST", predict, b'{"instances": [', length=100_000_000),
        "wrong token": lambda t: t.send("POST", "/segment", good, token="x" * 20),
        "path trick": lambda t: t.send("GET", random.choice(tricks)),
    }


async def hold(target: Target, start: bytes, rest: float) -> None:
    """Opens a connection, sends a part of a request, and a byte now and then."""
    try:
        reader, writer = await asyncio.open_connection(target.host, target.port)
        writer.write(start)
        end = time.monotonic() + rest
        while time.monotonic() < end and not reader.at_eof() and not writer.is_closing():
            writer.write(b"0")
            await asyncio.sleep(1.0)
        writer.close()
    except OSError:
        return


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    side = (30_000).to_bytes(4, "big")
    head = chunk(b"IHDR", side + side + b"\x08\x02\0\0\0")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def make_pictures(count: int, height: int, width: int) -> list[bytes]:
    """JPEG files with soft shapes that differ from each other."""
    files = []
    for seed in range(count):
        noise = np.random.default_rng(seed).integers(0, 256, [8, 12, 3], np.uint8)
        image = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=90)
        files.append(out.getvalue())
    return files
